-- Which columns look personal: by name, in six languages, and by type. No value is read.
CREATE TEMP TABLE judged (of text, name name, type regtype);
INSERT INTO judged SELECT 'yes', unnest(regexp_split_to_array('email e_mail emailAddress Email2 billing_email email_new phone mobile_phone tel_work TelNr first_name firstName lastname user_name
	login displayName shipping_name avatar_url street address_line_1 address2 zip_code plz ip client_ip remoteAddr src_addr user_agent useragent device_id session_id sessionKey access_token
	reset_token token_hash password password_hash encrypted_password otp_secret date_of_birth ssn passport_no iban card_number latitude caller from_uri sender created_by approvedBy
	contact message comment notes gender diagnosis salary marital_status employer
	vorname Nachname straße Geburtsdatum geschlecht telefonnummer anschrift kontonummer steuer_id Versichertennummer personalnummer bemerkungen kundennr benutzername ausweisNummer
	prénom nom_de_famille téléphone date_naissance courriel code_postal mot_de_passe numéro_sécurité_sociale commentaire nationalité
	apellidos fecha_nacimiento teléfono correo dirección contraseña código_postal usuario_id comentarios género
	cognome data_nascita codice_fiscale indirizzo nome_utente genere utente_id
	voornaam achternaam geboortedatum straat huisnummer wachtwoord rekeningnummer klant_id geslacht bsn', '\s+')), 'text';
INSERT INTO judged SELECT 'yes', name, type FROM (VALUES ('user_id', 'bigint'), ('userid', 'integer'), ('customer_uuid', 'uuid'), ('patient', 'integer'), ('phone', 'bigint'), ('birthday', 'date'),
	('born_at', 'timestamp'), ('age', 'smallint'), ('zip', 'integer'), ('lat', 'double precision'), ('whatever', 'inet'), ('x', 'macaddr'), ('network', 'cidr'), ('a', 'inet[]'), ('emails', 'text[]'),
	('email', 'jsonb'), ('is_pregnant', 'boolean'), ('session_id', 'uuid'), ('created_by', 'integer'), ('password', 'bytea'), ('gender', 'integer')) v(name, type_name), LATERAL (SELECT type_name::regtype) t(type);
INSERT INTO judged SELECT 'no', unnest(regexp_split_to_array('id title description state kind event_name file_name product_name host_name server_address domain_token table_name name email_template phone_type
	email_count message_id message_type message_queue session_type token_type address_id password_expires email_verified url path version locale currency amount etag checksum city
	position location genres emailing ageing package adressat_typ telemetry mailbox_size sexless ipsum', '\s+')), 'text';
INSERT INTO judged SELECT 'no', name, type FROM (VALUES ('email_verified', 'boolean'), ('email', 'boolean'), ('phone_confirmed_at', 'timestamptz'), ('email', 'timestamptz'), ('last_login', 'timestamptz'),
	('email_count', 'integer'), ('name', 'integer'), ('user_count', 'bigint'), ('joined_users', 'integer'), ('id', 'uuid'), ('session', 'boolean'), ('parent_id', 'integer'), ('message', 'interval'), ('position', 'integer')) v(name, type_name), LATERAL (SELECT type_name::regtype) t(type);
-- Neither of these must print a line.
SELECT * FROM judged WHERE of = 'yes' AND retention.looks_personal('thing', name, type) IS NULL;
SELECT *, retention.looks_personal('thing', name, type) FROM judged WHERE of = 'no' AND retention.looks_personal('thing', name, type) IS NOT NULL;
SELECT of, count(*) FROM judged GROUP BY of ORDER BY of;
-- What it looks like.
SELECT name, type, retention.looks_personal('thing', name, type) FROM judged WHERE name IN ('e_mail', 'TelNr', 'straße', 'caller', 'whatever', 'diagnosis', 'kundennr', 'born_at') ORDER BY name COLLATE "C";
-- Some words count in tables of persons only.
SELECT t AS "table", c AS "column", retention.looks_personal(t, c, 'text') FROM unnest('{product, customers, Mitarbeiter, salariés, app_user}'::name[]) t, unnest('{name, city, location}'::name[]) c;
-- A domain is its base type; odd names do no harm.
CREATE DOMAIN personal_address AS inet;
SELECT retention.looks_personal('t', 'x', 'personal_address');
DROP DOMAIN personal_address;
SELECT retention.looks_personal('', n, 'text') FROM unnest(ARRAY['', '_', '""', repeat('a_', 31), repeat('email', 12), E'e\nmail', 'été', '日本', 'ÿ', repeat('ß', 31)]::name[]) n;

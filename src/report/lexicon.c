/*
 * lexicon.c
 *		Words of column names that tell of persons, in six languages.
 *
 * English, German, French, Spanish, Italian, Dutch; written as
 * report/personal.c writes names: lower case, ASCII, a blank between words.
 *
 * Invariant: nothing but names and types is looked at, never a value.
 */
#include "postgres.h"

#include "report/lexicon.h"

#define TEXT RETENTION_LEXICON_TEXT
#define NUMBER RETENTION_LEXICON_NUMBER
#define TIME RETENTION_LEXICON_TIME
#define UUID RETENTION_LEXICON_UUID
#define CHOICE RETENTION_LEXICON_CHOICE
#define OF_PERSON RETENTION_LEXICON_OF_PERSON

const RetentionLexiconGroup retention_lexicon_groups[] = {
	{"an e-mail address", TEXT,
		"|email|emails|e mail|mail|mail address|mailaddress|emailaddress|"
	"correo|courriel|posta elettronica|e mailadres|mailadresse|epost|"},
	{"a telephone number", TEXT | NUMBER,
		"|phone|phones|phonenumber|phone number|telephone|tel|telnr|"
		"telefon|telefone|telefono|telephones|telefoon|telefonnummer|"
		"telefoonnummer|mobile|mobilephone|handy|handynummer|mobil|"
		"portable|movil|cellulare|cellphone|msisdn|fax|faxnumber|mobiel|"
	"imsi|whatsapp|celular|"},
	{"a name", TEXT,
		"|first name|firstname|fname|forename|last name|lastname|lname|"
		"surname|family name|familyname|given name|givenname|middle name|"
		"middlename|full name|fullname|real name|realname|legal name|"
		"maiden name|display name|displayname|nick|nickname|nick name|"
		"user name|username|login|login name|screen name|handle|"
		"contact name|customer name|member name|guest name|owner name|"
		"author name|sender name|recipient name|patient name|employee name|"
		"participant name|person name|billing name|shipping name|"
		"cardholder|holder name|vorname|nachname|familienname|geburtsname|"
		"rufname|benutzername|anzeigename|kontoinhaber|ansprechpartner|"
		"prenom|nom de famille|nom usage|nom naissance|pseudo|pseudonyme|"
		"identifiant|nombre completo|apellido|apellidos|primer apellido|"
		"nombre usuario|nombre de usuario|cognome|nome utente|"
		"nome completo|voornaam|achternaam|tussenvoegsel|gebruikersnaam|"
	"weergavenaam|initials|clearname|klarname|"},
	{"a name", TEXT | OF_PERSON,
		"|name|names|nom|nome|nombre|naam|titre civilite|anrede|civilite|"
	"salutation|"},
	{"a portrait", TEXT,
		"|avatar|avatar url|avatar uri|photo|photo url|portrait|"
		"profile image|profile picture|profile photo|profilbild|gravatar|"
	"selfie|headshot|passbild|"},
	{"a portrait", TEXT | OF_PERSON,
	"|picture|picture url|image|image url|foto|bild|"},
	{"a postal address", TEXT,
		"|address|addresses|adresse|anschrift|street|street address|"
		"streetname|strasse|hausnummer|house number|housenumber|"
		"postal address|rue|direccion|calle|domicilio|indirizzo|adres|"
		"straat|huisnummer|address line|addressline|wohnort|woonplaats|"
	"home town|hometown|ville|"},
	{"a postal address", TEXT | NUMBER,
		"|postal code|postcode|zip|zipcode|zip code|plz|postleitzahl|"
	"code postal|codepostal|codigo postal|codice postale|"},
	{"a postal address", TEXT | OF_PERSON,
	"|city|town|county|ort|stadt|plaats|ciudad|citta|place|"},
	{"a network address", TEXT | NUMBER,
		"|ip|ips|ip address|ipaddress|ipaddr|ip addr|ipv4|ipv6|client ip|"
		"remote ip|remote addr|remote address|peer addr|from ip|to ip|"
		"src ip|dst ip|source ip|src addr|dst addr|x forwarded for|"
		"forwarded for|mac address|macaddress|mac addr|macaddr|hwaddr|"
		"bssid|remote host|adresse ip|direccion ip|indirizzo ip|ip adresse|"
	"ip adres|sip addr|"},
	{"a device or browser", TEXT | UUID,
		"|user agent|useragent|browser|fingerprint|device id|deviceid|"
		"device name|device token|device data|device display name|"
		"device fingerprint|imei|imeisv|meid|idfa|idfv|gaid|advertising id|"
		"android id|sip instance|pushkey|push token|push key|fcm token|"
	"apns token|geraete id|machine id|installation id|clientdict|"},
	{"a session or its token", TEXT | UUID,
		"|session|session id|sessionid|session key|session token|"
		"session data|sid|cookie|cookies|token|tokens|access token|"
		"refresh token|auth token|api token|id token|token hash|jwt|"
		"sitzung|sitzungs id|jeton|ficha|sessione|sessie|verification code|"
		"auth code|authorization code|auth data|code verifier|"
	"client secret|magic link|"},
	{"a session or its token", NUMBER,
	"|session id|sessionid|access token id|"},
	{"a password or another secret of a person", TEXT,
		"|password|passwd|pwd|passphrase|password hash|passwordhash|"
		"encrypted password|password digest|hashed password|passwort|"
		"kennwort|mot de passe|motdepasse|contrasena|wachtwoord|pin|"
		"pin code|ha1|ha1b|ha1 sha256|ha1 sha512t256|otp|otp code|"
		"otp secret|totp|totp secret|recovery code|recovery codes|"
		"backup codes|security question|security answer|secret|credential|"
	"credentials|web authn credential|"},
	{"a birth, an age or a death", TEXT | NUMBER | TIME,
		"|birth|birthday|birthdate|birth date|date of birth|dateofbirth|"
		"dob|birth year|year of birth|birthplace|place of birth|born|"
		"born at|born on|geburt|geburtstag|geburtsdatum|geburtsort|"
		"geburtsjahr|geboren|date de naissance|date naissance|"
		"datenaissance|naissance|lieu de naissance|fecha nacimiento|"
		"fecha de nacimiento|nacimiento|data di nascita|data nascita|"
		"nascita|geboortedatum|geboorte|date of death|death date|died at|"
	"died on|deceased at|sterbedatum|"},
	{"a birth, an age or a death", TEXT | NUMBER,
	"|age|alter|edad|leeftijd|"},
	{"an identity document or number", TEXT | NUMBER,
		"|ssn|social security|social security number|"
		"sozialversicherungsnummer|sv nummer|national id|nationalid|"
		"national number|tax id|taxid|tax number|steuer id|steuernummer|"
		"passport|passport number|passport no|reisepass|passeport|"
		"pasaporte|passaporto|paspoort|id card|identity card|ausweis|"
		"ausweisnummer|personalausweis|carte identite|nir|numero secu|"
		"numero securite sociale|insee|dni|nie|nif|cuit|curp|"
		"codice fiscale|codicefiscale|bsn|burgerservicenummer|pesel|"
		"driver license|drivers license|driving licence|license number|"
		"fuehrerschein|permis de conduire|licence plate|license plate|"
		"number plate|kennzeichen|plate|vin|health insurance number|"
		"krankenversichertennummer|versichertennummer|nhs number|"
		"matriculation number|matrikelnummer|personalnummer|"
	"personnel number|"},
	{"a bank account or card", TEXT | NUMBER,
		"|iban|bic|swift|bank account|account number|accountnumber|"
		"account no|kontonummer|bankverbindung|blz|routing number|"
		"sort code|card number|cardnumber|credit card|creditcard|cc number|"
		"pan|card last4|last four|cvv|cvc|expiry date|card expiry|"
		"kreditkarte|carte bancaire|numero carte|tarjeta|carta di credito|"
		"rekeningnummer|sepa|mandate reference|mandatsreferenz|paypal|"
	"stripe customer id|wallet address|"},
	{"a place where somebody was", TEXT | NUMBER,
		"|lat|latitude|lon|lng|longitude|geo|geoip|geolocation|"
		"geo location|gps|coordinates|coords|breitengrad|laengengrad|"
	"koordinaten|geohash|cell id|"},
	{"a place where somebody was", TEXT | OF_PERSON,
		"|location|position|standort|ubicacion|posizione|localisation|"
	"locatie|geom|"},
	{"an account elsewhere", TEXT | NUMBER | UUID,
		"|external id|provider id|provider user id|social id|facebook|"
		"facebook id|google id|github|github id|twitter|twitter id|"
		"linkedin|instagram|skype|skype id|telegram|telegram id|mastodon|"
		"oauth id|openid|saml id|ldap dn|orcid|aor|sip username|matrix id|"
		"mxid|xmpp|jid|identity data|userinfo|apple id|discord|discord id|"
	"homepage|personal url|"},
	{"somebody who takes part", TEXT | NUMBER | UUID,
		"|caller|callee|caller id|callerid|caller contact|callee contact|"
		"caller dn|caller un|calling number|called number|from user|"
		"to user|from uri|to uri|from user id|sender|recipient|receiver|"
		"addressee|absender|empfaenger|expediteur|destinataire|remitente|"
		"destinatario|mittente|afzender|ontvanger|reply to|replyto|cc|bcc|"
		"from address|to address|mail from|rcpt to|contact|kontakt|"
		"contacto|contatto|watcher|watcher username|watcher uri|pres uri|"
		"presentity uri|alias username|uri user|creator|author|autor|"
		"auteur|autore|created by|updated by|modified by|deleted by|"
		"changed by|erstellt von|geaendert von|cree par|modifie par|"
		"creado por|invited by|inviter|invitee|uploader|uploaded by|"
		"reporter|reviewer|approver|approved by|assignee|assigned to|owner|"
		"requester|submitted by|poster|quarantined by|referrer|referer|"
	"sachbearbeiter|"},
	{"persons", TEXT,
		"|senders|recipients|contacts|participants|members|attendees|"
	"followers|watchers|user ids|userids|"},
	{"what somebody wrote or said", TEXT,
		"|message|messages|msg|message text|message body|message json|"
		"messages json|comment|comments|remark|remarks|note|notes|notiz|"
		"notizen|bemerkung|bemerkungen|kommentar|kommentare|commentaire|"
		"commentaires|remarque|comentario|comentarios|observaciones|nota|"
		"commento|commenti|opmerking|opmerkingen|bio|biography|about me|"
		"aboutme|chat|transcript|voicemail|recording|feedback|complaint|"
		"beschwerde|freitext|free text|status msg|status message|"
		"search query|query text|search term|search terms|body|mail body|"
	"answer|answers|event json|"},
	{"a special category of data (GDPR Art. 9)", TEXT | NUMBER | CHOICE,
		"|gender|sex|geschlecht|genre|sexe|genero|sexo|genere|sesso|"
		"geslacht|religion|konfession|confession|religione|godsdienst|"
		"ethnicity|ethnic|race|herkunft|origine ethnique|nationality|"
		"nationalitaet|staatsangehoerigkeit|nationalite|nacionalidad|"
		"nazionalita|nationaliteit|citizenship|diagnosis|diagnoses|"
		"diagnose|diagnostic|diagnostico|diagnosi|icd|icd10|icd code|"
		"medication|medikation|medicament|allergy|allergies|allergie|"
		"allergien|blood type|blood group|blutgruppe|disease|krankheit|"
		"maladie|symptom|symptoms|disability|behinderung|handicap|pregnant|"
		"pregnancy|schwanger|schwangerschaft|sexual orientation|"
		"party membership|trade union|gewerkschaft|union membership|"
		"biometric|biometrics|genome|dna|genotype|faceprint|voiceprint|"
	"criminal record|vorstrafen|"},
	{"what somebody earns or how somebody lives", TEXT | NUMBER,
		"|salary|wage|income|gehalt|lohn|einkommen|salaire|revenu|salario|"
		"sueldo|stipendio|reddito|salaris|inkomen|credit score|schufa|"
		"marital status|familienstand|etat civil|situation familiale|"
		"estado civil|stato civile|burgerlijke staat|spouse|next of kin|"
		"emergency contact|employer|arbeitgeber|employeur|occupation|"
		"profession|beruf|job title|hobbies|raw user meta data|"
		"user metadata|userdata|user data|personal data|personendaten|"
	"donnees personnelles|"},
	{NULL, 0, NULL}
};

const char *const retention_lexicon_persons =
"|user|users|usr|account|accounts|customer|customers|person|persons|people|"
"member|members|contact|contacts|patient|patients|employee|employees|staff|"
"student|students|pupil|pupils|teacher|teachers|participant|participants|"
"attendee|attendees|guest|guests|visitor|visitors|subscriber|subscribers|"
"profile|profiles|applicant|applicants|candidate|candidates|driver|drivers|"
"passenger|passengers|author|authors|owner|sender|recipient|caller|callee|"
"agent|agents|friend|friends|follower|followers|invitee|inviter|citizen|"
"citizens|voter|voters|donor|donors|guardian|guardians|resident|residents|"
"moderator|client|clients|buyer|seller|shopper|benutzer|nutzer|kunde|"
"kunden|mitarbeiter|personen|mitglied|mitglieder|teilnehmer|besucher|"
"bewerber|ansprechpartner|schueler|lehrer|versicherte|versicherter|"
"utilisateur|utilisateurs|personne|personnes|membre|membres|salarie|"
"salaries|adherent|adherents|eleve|eleves|abonne|abonnes|usuario|usuarios|"
"cliente|clientes|persona|personas|miembro|miembros|empleado|empleados|"
"paciente|pacientes|socio|socios|alumno|alumnos|utente|utenti|clienti|"
"membri|dipendente|dipendenti|paziente|pazienti|studente|studenti|"
"gebruiker|gebruikers|klant|klanten|persoon|lid|leden|medewerker|"
"medewerkers|deelnemer|deelnemers|patienten|leerling|leerlingen|";

const char *const retention_lexicon_keys =
"|id|ids|uuid|uid|guid|ref|reference|code|key|fk|pk|";

const char *const retention_lexicon_numbers =
"|no|nr|num|number|nummer|numero|";

const char *const retention_lexicon_heads =
"|count|counts|counter|counters|total|size|length|len|width|height|type|"
"types|kind|status|format|version|enabled|disabled|required|optional|"
"allowed|limit|max|min|template|templates|confirmed|verified|sent|at|ts|"
"timestamp|time|date|on|expires|expiry|lifetime|duration|interval|flag|"
"flags|visible|visibility|policy|level|order|ordering|sort|index|schema|"
"table|column|field|provider|method|mode|class|category|group|groups|role|"
"roles|scope|scopes|setting|settings|config|configuration|option|options|"
"port|protocol|proto|server|domain|zone|locale|language|lang|color|colour|"
"endpoint|used|revoked|reason|attempts|retries|queue|priority|weight|"
"suffix|prefix|pattern|mask|regexp|algorithm|encoding|charset|flow|missed|"
"state|critical|warning|dissuading|cseq|sock|socket|";

const char *const retention_lexicon_things =
"|file|event|product|item|host|domain|server|table|column|schema|field|"
"function|class|method|template|plugin|module|package|app|application|"
"service|job|task|queue|category|tag|group|role|permission|setting|config|"
"feature|currency|country|language|locale|color|brand|model|company|"
"organisation|organization|org|team|project|channel|page|menu|filename|"
"instance|network|cluster|gateway|carrier|pool|partition|rule|lock|stream|"
"cache|index|type|database|error|log|format|";


# Schema.pm
#	Random schemas, data, labels and changes for the property test.
#
# A schema is plain data: tables, columns, foreign keys, labels.  What must
# become of a row is not known here: that is Oracle.pm's, from the same data.
# In every SQL template a column stands as {name}; it becomes the real (odd,
# quoted) name, with an alias before it where the oracle needs one.
#
# Every table has a column "tag" whose values are unique.  No index and no label
# says so: it is how the oracle tells rows apart when there is no key.
package Schema;

use strict;
use warnings;
use utf8;

use Label;

my @ODD = (
	'event', 'Session', 'ta ble', 'größe', 'sel"ect', 'semi;colon',
	'arrow->x', q{it's}, 'a,b', 'or', 'then', 'from', 'where', '(x)',
	'q' x 60, 'UPPER', 'delete', '$1', 'new' . "\t" . 'tab');
my @SCHEMAS = ('public', 'My Schema', 's.2', 'ev"il');
my @PERIODS = (
	'7 days', '30 days', '1 mon', '1 mon 3 days', '90 days', '36:00:00',
	'1 year', '1 day 02:30:00', '2 mons', '14 days 12:00:00');
my @ZONES = (
	'UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe',
	'Pacific/Apia', 'Asia/Kolkata');
my @CATEGORIES = (
	'technical information', 'stream identifiers', 'usage statistics',
	'e-mail address', 'Kategorie, neu; "1"');
# month ends, days of changing clocks, and ordinary days
my @DAYS = (
	'2024-01-31', '2024-02-29', '2024-03-10', '2024-03-30', '2024-03-31',
	'2024-04-07', '2024-05-15', '2024-06-30', '2024-08-31', '2024-10-06',
	'2024-10-27', '2024-11-03', '2024-12-31', '2025-01-30', '2025-02-28',
	'2025-03-30', '2025-05-31');
my @TIMES = (
	'00:00:00', '00:30:00', '01:30:00', '02:00:00', '02:30:00', '03:00:00',
	'12:34:56.789', '23:59:59.999999');

sub one { return $_[ int(rand(@_)) ]; }
sub chance { return rand() < $_[0]; }

sub quote
{
	my ($name) = @_;
	return $name if $name =~ /^(?:event|tag|id|sub|kind|flag)$/;
	$name =~ s/"/""/g;
	return qq{"$name"};
}

sub literal
{
	my ($text) = @_;
	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return qq{'$text'};
}

# A template with its columns' names filled in, each behind "alias." if given.
sub fill
{
	my ($table, $template, $alias) = @_;
	my $prefix = defined $alias ? "$alias." : '';
	$template =~ s/\{(\w+)\}/$prefix . $table->{columns}{$1}{name}/ge;
	return $template;
}

# --- tables ---------------------------------------------------------------

sub add_column
{
	my ($table, $name, $type, %more) = @_;
	my $odd = chance(0.3) && $name ne 'tag' ? one(@ODD) : $name;
	$odd = $name if grep { $_->{plain} eq $odd } values %{ $table->{columns} };
	$table->{columns}{$name} =
	  { plain => $odd, name => quote($odd), type => $type, %more };
	push @{ $table->{order} }, $name;
	return;
}

sub new
{
	my ($class) = @_;
	my $self = bless { tables => [], suspensions => [] }, $class;

	$self->{timezone} = one(@ZONES);
	$self->{owner} = chance(0.7) ? '"an Owner"' : undef;
	foreach my $category (@CATEGORIES)
	{
		$self->{categories}{$category} = one(@PERIODS);
	}
	my $count = 1 + int(rand(5));
	$self->add_table($_) foreach 0 .. $count - 1;
	$self->add_cycles;
	Label::choose($self, $_) foreach @{ $self->{tables} };
	return $self;
}

sub add_table
{
	my ($self, $n) = @_;
	my $kind = one(
		qw(plain plain plain unlogged inherit hash range list multi months));
	my $table = {
		n => $n,
		kind => $kind,
		plain => one(@ODD) . $n,
		schema => one(@SCHEMAS),
		columns => {},
		order => [],
		fks => [],
		forced => chance(0.15),
	};
	$table->{name} = quote($table->{schema}) . '.' . quote($table->{plain});
	add_column($table, 'tag', 'int');
	add_column($table, 'id', 'bigint');
	add_column($table, 'sub', 'int');
	add_column($table, 'kind', 'text');
	add_column($table, 'flag', 'boolean');
	add_column($table, 'c_tstz', 'timestamptz');
	add_column($table, 'c_ts', 'timestamp');
	add_column($table, 'c_date', 'date');
	add_column($table, 'c_s', 'bigint');
	add_column($table, 'c_ms', 'bigint');
	add_column($table, 'per', 'interval');
	add_column($table, 'd_text', 'text');
	add_column($table, 'd_vc', 'varchar(40)');
	add_column($table, 'd_inet', 'inet');
	add_column($table, 'd_int', 'int');
	add_column($table, 'd_ts', 'timestamp');
	add_column($table, 'd_json', 'jsonb');

	# a primary key that the kind can have
	my @keys = ([], ['id'], ['id'], [ 'id', 'sub' ]);
	@keys = ([], ['id'], ['id'], [ 'id', 'sub' ]) if $kind =~ /hash|range/;
	@keys = ([], [ 'id', 'kind' ]) if $kind =~ /list|multi/;
	@keys = ([]) if $kind =~ /months|inherit/;
	$table->{key} = one(@keys);
	$table->{columns}{$_}{notnull} = 1 foreach @{ $table->{key} };
	# what "references t(c)" may point at: a unique index of one column
	$table->{unique_id} = (@{ $table->{key} } == 1)
	  || ($kind =~ /plain|unlogged/ && chance(0.5));

	# foreign keys to tables before it, or to itself
	unless ($kind eq 'inherit')
	{
		foreach my $target (@{ $self->{tables} }, $table)
		{
			next if $target == $table && $kind !~ /plain|unlogged/;
			next unless @{ $target->{key} } && chance(0.6);
			next if $target->{kind} eq 'unlogged' && $kind ne 'unlogged';
			$self->add_fk($table, $target);
		}
	}
	# a reference without a foreign key
	foreach my $target (@{ $self->{tables} })
	{
		next unless $target->{unique_id} && chance(0.3);
		my $name = "x$target->{n}";
		add_column($table, $name, 'bigint');
		push @{ $table->{loose} }, { column => $name, target => $target };
	}
	# a trigger or a constraint that stands in the way of some rows
	$table->{poison} = one('', '', '', '', 'null', 'raise', 'check');
	push @{ $self->{tables} }, $table;
	return;
}

sub add_fk
{
	my ($self, $table, $target, $late) = @_;
	my $k = @{ $table->{fks} };
	my @columns;
	foreach my $column (@{ $target->{key} })
	{
		my $name = "f${k}_$column";
		my $notnull = !$late && $target != $table && chance(0.6);
		add_column($table, $name, $target->{columns}{$column}{type},
			notnull => $notnull);
		push @columns, $name;
	}
	my $nullable = !grep { $table->{columns}{$_}{notnull} } @columns;
	my $constraint = substr(one(@ODD), 0, 40) . "_fk$table->{n}_$k";
	push @{ $table->{fks} },
	  {
		columns => \@columns,
		target => $target,
		action => one(
			'NO ACTION', 'RESTRICT',
			($late && !$ENV{RETENTION_RINGS} ? 'NO ACTION' : ('CASCADE', 'CASCADE')),
			$nullable ? ('SET NULL', 'SET NULL') : ($late ? 'NO ACTION' : 'CASCADE')),
		deferrable => one(
			'', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED'),
		name => quote($constraint),
		nullable => scalar(grep { !$table->{columns}{$_}{notnull} } @columns),
		late => $late,
	  };
	return;
}

# Sometimes a foreign key back from an earlier table, so that there is a cycle.
sub add_cycles
{
	my ($self) = @_;
	my @tables = @{ $self->{tables} };
	return unless @tables > 1 && chance(0.3);
	my $from = $tables[0];
	my $to = $tables[ 1 + int(rand(@tables - 1)) ];
	return unless @{ $to->{key} } && $from->{kind} =~ /plain|unlogged/;
	return if $to->{kind} eq 'unlogged' && $from->{kind} ne 'unlogged';
	$self->add_fk($from, $to, 1);
	return;
}

sub ddl
{
	my ($self) = @_;
	my $sql = '';
	$sql .= "CREATE SCHEMA IF NOT EXISTS " . quote($_) . ";\n" foreach @SCHEMAS;
	if ($self->{owner})
	{
		$sql .= "GRANT ALL ON SCHEMA " . quote($_) . " TO $self->{owner};\n"
		  foreach @SCHEMAS;
	}
	foreach my $table (@{ $self->{tables} })
	{
		$sql .= $self->table_ddl($table);
	}
	foreach my $schema (map { quote($_) } @SCHEMAS)
	{
		$sql .= "GRANT USAGE ON SCHEMA $schema TO \"a User\";\n"
		  . "GRANT ALL ON ALL TABLES IN SCHEMA $schema TO \"a User\";\n";
	}
	foreach my $table (@{ $self->{tables} })
	{
		foreach my $fk (@{ $table->{fks} })
		{
			my @to = map { "{$_}" } @{ $fk->{target}{key} };
			my $to = fill($fk->{target}, join(', ', @to));
			my $from = fill($table, join(', ', map { "{$_}" } @{ $fk->{columns} }));
			$sql .= "ALTER TABLE $table->{name} ADD CONSTRAINT $fk->{name}"
			  . " FOREIGN KEY ($from) REFERENCES $fk->{target}{name} ($to)"
			  . " ON DELETE $fk->{action}$fk->{deferrable};\n";
		}
		$sql .= $self->poison_ddl($table);
		if ($self->{owner})
		{
			$sql .= "ALTER TABLE $_ OWNER TO $self->{owner};\n"
			  foreach $table->{name}, @{ $table->{leaves} };
		}
		if ($table->{forced})
		{
			$sql .= "ALTER TABLE $table->{name} ENABLE ROW LEVEL SECURITY;\n"
			  . "ALTER TABLE $table->{name} FORCE ROW LEVEL SECURITY;\n";
		}
	}
	return $sql;
}

sub table_ddl
{
	my ($self, $table) = @_;
	my $kind = $table->{kind};
	my @columns = map {
		my $column = $table->{columns}{$_};
		"$column->{name} $column->{type}" . ($column->{notnull} ? ' NOT NULL' : '')
	} @{ $table->{order} };
	my @constraints;
	push @constraints,
	  'PRIMARY KEY (' . fill($table, join(', ', map { "{$_}" } @{ $table->{key} })) . ')'
	  if @{ $table->{key} };
	push @constraints, fill($table, 'UNIQUE ({id})')
	  if $table->{unique_id} && @{ $table->{key} } != 1;
	my $unlogged = $kind eq 'unlogged' ? 'UNLOGGED ' : '';
	my %by = (
		hash => 'HASH ({id})',
		range => 'RANGE ({id})',
		list => 'LIST ({kind})',
		multi => 'LIST ({kind})',
		months => one('RANGE ({c_ts})', 'RANGE ({c_tstz})', 'RANGE ({c_date})'));
	my $by = $by{$kind} ? ' PARTITION BY ' . fill($table, $by{$kind}) : '';
	my $sql = "CREATE ${unlogged}TABLE $table->{name} (junk_0 int, "
	  . join(', ', @columns, @constraints)
	  . ")$by;\nALTER TABLE $table->{name} DROP COLUMN junk_0;\n";
	my $leaf = sub {
		my ($suffix, $bounds, $more, $parent) = @_;
		my $name = quote($table->{schema}) . '.'
		  . quote(substr($table->{plain}, 0, 40) . " leaf $table->{n}$suffix");
		$parent //= $table->{name};
		push @{ $table->{leaves} }, $name;
		# a leaf made apart and attached has its columns in another order
		if (!defined $more && chance(0.4))
		{
			my @shuffled = map { $_->[1] }
			  sort { $a->[0] <=> $b->[0] } map { [ rand(), $_ ] } @columns;
			$sql .= "CREATE TABLE $name (junk_1 text, "
			  . join(', ', @shuffled)
			  . ");\nALTER TABLE $name DROP COLUMN junk_1;\n"
			  . "ALTER TABLE $parent ATTACH PARTITION $name $bounds;\n";
		}
		else
		{
			$sql .= "CREATE TABLE $name PARTITION OF $parent $bounds" . ($more // '') . ";\n";
		}
		return $name;
	};
	if ($kind eq 'hash')
	{
		$leaf->($_, "FOR VALUES WITH (MODULUS 3, REMAINDER $_)") foreach 0 .. 2;
	}
	elsif ($kind eq 'range')
	{
		$leaf->('a', 'FOR VALUES FROM (0) TO (20)');
		$leaf->('b', 'FOR VALUES FROM (20) TO (50)');
		$leaf->('d', 'DEFAULT');
	}
	elsif ($kind eq 'list')
	{
		$leaf->('a', q{FOR VALUES IN ('a')});
		$leaf->('d', 'DEFAULT');
	}
	elsif ($kind eq 'multi')
	{
		my $mid = $leaf->('m', q{FOR VALUES IN ('a', 'b')},
			fill($table, ' PARTITION BY RANGE ({id})'));
		$leaf->('ma', 'FOR VALUES FROM (0) TO (25)', undef, $mid);
		$leaf->('md', 'DEFAULT', undef, $mid);
		$leaf->('d', 'DEFAULT');
	}
	elsif ($kind eq 'months')
	{
		foreach my $m (1 .. 4)
		{
			$leaf->("m$m", sprintf("FOR VALUES FROM ('2024-%02d-01') TO ('2024-%02d-01')",
					3 * $m - 2, $m < 4 ? 3 * $m + 1 : 12));
		}
		$leaf->('d', 'DEFAULT');
	}
	elsif ($kind eq 'inherit')
	{
		foreach my $suffix ('i', 'j')
		{
			my $name = quote($table->{schema}) . '.'
			  . quote(substr($table->{plain}, 0, 40) . " leaf $table->{n}$suffix");
			push @{ $table->{leaves} }, $name;
			$sql .= "CREATE TABLE $name (more text DEFAULT 'm') INHERITS ($table->{name});\n";
		}
	}
	# sometimes an index that the search can use
	$sql .= fill($table, "CREATE INDEX ON $table->{name} ({$_});\n")
	  foreach grep { chance(0.3) } qw(c_tstz c_ts c_date c_ms);
	return $sql;
}

sub poison_ddl
{
	my ($self, $table) = @_;
	my $poison = $table->{poison};
	if ($poison eq 'check')
	{
		return fill($table, "ALTER TABLE $table->{name} ADD CHECK"
			  . " ({tag} % 7 <> 3 OR coalesce({d_text}, '') LIKE '%wants%');\n");
	}
	return '' unless $poison;
	my $function = quote($table->{schema}) . ".poison_$table->{n}";
	my $body = $poison eq 'null' ? 'RETURN NULL;' : q{RAISE EXCEPTION 'not this row';};
	my $sql = "CREATE FUNCTION $function() RETURNS trigger LANGUAGE plpgsql AS"
	  . " \$\$BEGIN IF OLD.tag % 7 = 3 THEN $body END IF; RETURN OLD; END\$\$;\n";
	# cloned to partitions, not to children that inherit
	my @on = ($table->{name});
	push @on, @{ $table->{leaves} } if $table->{kind} eq 'inherit';
	$sql .= "CREATE TRIGGER poison BEFORE DELETE ON $_ FOR EACH ROW EXECUTE FUNCTION $function();\n"
	  foreach @on;
	return $sql;
}

# --- data -----------------------------------------------------------------

sub moment
{
	return undef if chance(0.08);
	my $sentinel = rand();
	return 'infinity' if $sentinel < 0.02;
	return '-infinity' if $sentinel < 0.03;
	return '1970-01-01 00:00:00' if $sentinel < 0.05;
	return '1999-12-30 12:00:00' if $sentinel < 0.06;
	return '2000-01-03 12:00:00' if $sentinel < 0.07;
	return '9999-12-31 23:59:59' if $sentinel < 0.09;
	return one(@DAYS) . ' ' . one(@TIMES);
}

sub value
{
	my ($self, $table, $name) = @_;
	my $column = $table->{columns}{$name};
	if ($name =~ /^(?:c_tstz|c_ts|c_date|d_ts)$/)
	{
		my $text = moment();
		return 'NULL' unless defined $text;
		$text .= one('+00', '+02', ' America/New_York')
		  if $name eq 'c_tstz' && $text =~ /^20/;
		return "'$text'::$column->{type}";
	}
	if ($name =~ /^c_m?s$/)
	{
		return one('NULL', '0', '-1') if chance(0.15);
		my $factor = $name eq 'c_ms' ? '* 1000' : '';
		return "extract(epoch from timestamptz '" . one(@DAYS) . ' ' . one(@TIMES)
		  . "+00')::bigint$factor";
	}
	return one(q{'a'}, q{'b'}, q{'c'}, $column->{notnull} ? q{''} : 'NULL')
	  if $name eq 'kind';
	return one('true', 'false', 'NULL') if $name eq 'flag';
	return one('NULL', q{'3 days'}, q{'12:00:00'}, q{'10 years'}, q{'1 mon'}, q{'30 days'},
		q{'0'}, q{'-5 days'}, q{'1 mon -3 days'}, q{'-1 mon 60 days'}, q{'50 days 01:30'}, q{'178000000 years'})
	  . '::interval' if $name eq 'per';
	my $n = int(rand(1000));
	return one('NULL', q{''}, "'long text $n'", "'größer, longer: $n'") if $name =~ /^d_(text|vc)$/;
	return one('NULL', "'10.1." . $n % 256 . ".77'", "'2001:db8:$n\::1'") . '::inet'
	  if $name eq 'd_inet';
	return one('NULL', $n, -$n) if $name eq 'd_int';
	return one('NULL', qq{'{"a": $n, "b": {"c": 1, "d": null}}'}, q{'{"b": [1]}'}, q{'{}'})
	  . '::jsonb' if $name eq 'd_json';
	return one(1 .. 60, 'NULL') if $name =~ /^x\d/;
	die "no value for $name";
}

# One row, with random parents for its foreign keys.  given: columns => SQL.
sub insert
{
	my ($self, $table, %given) = @_;
	my $tag = ++$table->{tags};
	my %value;
	foreach my $name (@{ $table->{order} })
	{
		next if $name =~ /^f\d/;
		$value{$name} = $self->value($table, $name) unless $name =~ /^(?:tag|id|sub)$/;
	}
	my $unique = @{ $table->{key} } || $table->{unique_id};
	@value{ keys %given } = values %given;
	@value{qw(tag id sub)} = ($tag, $unique ? $tag : $tag % 40, $tag % 3);
	$value{d_text} = q{'long, but a check wants it'}
	  if $table->{poison} eq 'check' && $tag % 7 == 3;
	my $from = '';
	foreach my $fk (@{ $table->{fks} })
	{
		my $target = $fk->{target};
		my $none = ($fk->{late} || chance(0.1)) && $fk->{nullable};
		my $alias = "p_$fk->{columns}[0]";
		my $keys = fill($target, join(', ', map { "{$_} AS p_$_" } @{ $target->{key} }));
		$from .= fill($target, " LEFT JOIN LATERAL (SELECT $keys FROM $target->{name}"
			  . " ORDER BY md5({tag}::text || '" . int(rand(1000)) . "') LIMIT 1) $alias ON true");
		foreach my $i (0 .. $#{ $fk->{columns} })
		{
			$value{ $fk->{columns}[$i] } = $none
			  && !$table->{columns}{ $fk->{columns}[$i] }{notnull}
			  ? 'NULL' : "$alias.p_$target->{key}[$i]";
		}
	}
	my @names = grep { defined $value{$_} } @{ $table->{order} };
	my $into = $table->{name};
	$into = one($into, @{ $table->{leaves} }) if $table->{kind} eq 'inherit';
	return fill($table, "INSERT INTO $into (" . join(', ', map { "{$_}" } @names) . ') SELECT ')
	  . join(', ', map { $value{$_} } @names) . " FROM (SELECT) one$from;\n";
}

# The first rows of all tables, parents before children.
sub data
{
	my ($self) = @_;
	my $sql = '';
	foreach my $table (@{ $self->{tables} })
	{
		$sql .= $self->insert($table) foreach 1 .. 5 + int(rand(35));
	}
	foreach my $table (@{ $self->{tables} })
	{
		foreach my $fk (grep { $_->{late} } @{ $table->{fks} })
		{
			$sql .= $self->reparent($table, $fk) foreach 1 .. 10;
		}
	}
	return $sql;
}

sub reparent
{
	my ($self, $table, $fk, $tag) = @_;
	my $target = $fk->{target};
	my $set = fill($table, join(', ', map { "{$_}" } @{ $fk->{columns} }));
	my $keys = fill($target, join(', ', map { "{$_}" } @{ $target->{key} }), 'p');
	my $order = fill($target, '{tag}', 'p');
	return fill($table, "UPDATE $table->{name} SET ($set) = (SELECT $keys FROM $target->{name} p"
		  . " ORDER BY md5($order\::text || '" . int(rand(1000)) . "') LIMIT 1) WHERE {tag} = ")
	  . ($tag // some_tag($table)) . ";\n";
}

sub some_tag { return 1 + int(rand($_[0]{tags} // 1)); }

# One random change; it may fail (foreign keys, guards), then it changes nothing.
sub change
{
	my ($self) = @_;
	my $table = one(@{ $self->{tables} });
	my $what = rand();
	if ($what < 0.4)
	{
		return $self->insert($table);
	}
	elsif ($what < 0.5)
	{
		return fill($table, "DELETE FROM $table->{name} WHERE {tag} = ")
		  . some_tag($table) . ";\n";
	}
	elsif ($what < 0.6 && @{ $table->{fks} })
	{
		return $self->reparent($table, one(@{ $table->{fks} }));
	}
	elsif ($what < 0.62)
	{
		my $category = one(@CATEGORIES);
		$self->{categories}{$category} = one(@PERIODS);
		return $self->category_sql($category);
	}
	my $column = one(grep { /^(?:c_|d_|kind|flag|per)/ } @{ $table->{order} });
	return fill($table, "UPDATE $table->{name} SET {$column} = ")
	  . $self->value($table, $column)
	  . fill($table, ' WHERE {tag} = ') . some_tag($table) . ";\n";
}

sub category_sql
{
	my ($self, $category) = @_;
	return 'SELECT retention.set_category(' . literal($category) . ", '"
	  . $self->{categories}{$category} . "', 'the event', retroactive => true);\n";
}

1;

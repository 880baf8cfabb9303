-- Partitions for a large vault on PostgreSQL 14 or newer, with servers and schedulers stopped: docs/scaling.md has the commands before and
-- after it, and the way back. Names of tables and indexes stay, so that migrations find them. Run it once; then each month:
--   SELECT databunker_audit_months(12);

-- Indexes of a table that is about to be replaced: names set aside, definitions returned, for the table that follows it.
CREATE FUNCTION databunker_set_aside(old text, set_aside text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    one record;
    definitions text[] := '{}';
BEGIN
    FOR one IN
        SELECT i.indexrelid::regclass::text AS name, c.conname, pg_get_indexdef(i.indexrelid) AS definition
        FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
        WHERE i.indrelid = old::regclass
    LOOP
        IF one.conname IS NULL THEN
            definitions := definitions || one.definition;
            EXECUTE format('ALTER INDEX %I RENAME TO %I', one.name, left(one.name, 58) || '_old');
        ELSE
            EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT %I TO %I', old, one.conname, left(one.conname, 58) || '_old');
        END IF;
    END LOOP;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', old, set_aside);
    RETURN definitions;
END $$;

-- Event identifiers begin with the time in milliseconds (UUIDv7): a month is a range of the primary key.
CREATE FUNCTION databunker_first_event(since timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM since) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Partitions of this month, where it is missing, and of so many more.
CREATE FUNCTION databunker_audit_months(ahead integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz;
    name text;
BEGIN
    FOR number IN 0..ahead LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + make_interval(months => number);
        name := 'audit_event_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        IF to_regclass(name) IS NULL AND month >= (SELECT since FROM databunker_audit_partitioned) THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF audit_event FOR VALUES FROM (%L) TO (%L)', name,
                databunker_first_event(month), databunker_first_event(month + interval '1 month'));
        END IF;
    END LOOP;
END $$;

-- The trail by month. What there is becomes the first partition as it stands: nothing is copied.
DO $$
DECLARE
    next_month timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 month';
    definitions text[];
    definition text;
BEGIN
    CREATE TABLE databunker_audit_partitioned AS SELECT next_month AS since;
    definitions := databunker_set_aside('audit_event', 'audit_event_before');
    CREATE TABLE audit_event (LIKE audit_event_before INCLUDING DEFAULTS) PARTITION BY RANGE (id);
    ALTER TABLE audit_event ADD CONSTRAINT audit_event_pkey PRIMARY KEY (id);
    FOREACH definition IN ARRAY definitions LOOP
        EXECUTE definition;
    END LOOP;
    EXECUTE format('ALTER TABLE audit_event ATTACH PARTITION audit_event_before FOR VALUES FROM (MINVALUE) TO (%L)',
        databunker_first_event(next_month));
    PERFORM databunker_audit_months(12);
    -- Should nobody have made a month: no event is ever refused.
    CREATE TABLE audit_event_later PARTITION OF audit_event DEFAULT;
END $$;

-- People by their reference, identities by their digest: 16 partitions each, filled alike, as both are keyed hashes.
CREATE FUNCTION databunker_partition(name text, by_column text, key text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    set_aside text := name || '_before';
    numbered boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = name::regclass AND attname = 'id');
    uniques text[];
    definitions text[];
    statement text;
BEGIN
    SELECT coalesce(array_agg(format('ALTER TABLE %I ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(oid))), '{}')
        INTO uniques FROM pg_constraint WHERE conrelid = name::regclass AND contype = 'u';
    definitions := databunker_set_aside(name, set_aside);
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS) PARTITION BY HASH (%I)', name, set_aside, by_column);
    FOR number IN 0..15 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            name || '_' || lpad(number::text, 2, '0'), name, number);
    END LOOP;
    EXECUTE format('INSERT INTO %I SELECT * FROM %I', name, set_aside);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (%s)', name, name || '_pkey', key);
    FOREACH statement IN ARRAY uniques || definitions LOOP
        EXECUTE statement;
    END LOOP;
    IF numbered THEN
        EXECUTE format('CREATE SEQUENCE %I OWNED BY %I.id', name || '_number', name);
        EXECUTE format('SELECT setval(%L, coalesce(max(id), 0) + 1, false) FROM %I', name || '_number', name);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN id SET DEFAULT nextval(%L)', name, name || '_number');
    END IF;
    EXECUTE format('DROP TABLE %I', set_aside);
END $$;

SELECT databunker_partition('vault_record', 'subject', 'id, subject');
SELECT databunker_partition('vault_record_version', 'subject', 'tenant, subject, version');
SELECT databunker_partition('vault_app_record', 'subject', 'tenant, subject, app');
SELECT databunker_partition('vault_app_version', 'subject', 'tenant, subject, app, version');
SELECT databunker_partition('vault_identity', 'digest', 'tenant, digest, slot');
DROP FUNCTION databunker_partition(text, text, text);
DROP FUNCTION databunker_set_aside(text, text);

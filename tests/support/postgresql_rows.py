"""A marketplace in PostgreSQL whose rows break each rule of the contract, in columns of every kind that is read."""

TABLES_SQL = """
create extension citext;
create type fault as enum ('seller', 'buyer', 'nobody');
create domain exact as numeric; create domain price as exact;
create table orders (order_id bigint, line_id smallint, seller_id varchar(40), item_id citext,
    category character(8), price price, ordered_at timestamptz, ship_by timestamptz, shipped_at text,
    tracking_valid boolean, promised_at date, delivered_at timestamptz, cancelled_by fault, colour text);
create table returns (return_id name, order_id bigint, line_id text, opened_at timestamptz, refund_amount money);
create table cases (case_id uuid, seller_id text, kind text, opened_at timestamptz, resolution text);
create table feedback (feedback_id integer, order_id bigint, seller_id text, rating double precision,
    created_at timestamptz);
create table sellers (seller_id text, natural_person smallint, joined_at timestamptz, recorded_at timestamptz);
create table interventions (intervention_id text, seller_id text, kind text, started_at timestamptz, propensity real);
insert into orders select n, 1, 'anna', 'Cup', 'kitchen', 0.1 * n,
    timestamptz '2024-01-01 10:00+02' + n * interval '1 day', '2024-02-01 10:00+02', '2024-02-01T08:00:00.123Z',
    mod(n, 2) = 0, date '2024-02-02', null, 'buyer', 'red'
    from generate_series(1, 9) as g(n);
insert into orders (order_id, line_id, seller_id, price, ordered_at, shipped_at, delivered_at, cancelled_by) values
    (11, 1, 'anna', 'Infinity', '2024-01-02 08:00Z', null, null, null),
    (12, 1, 'anna', 'NaN', '2024-01-02 08:00Z', null, null, null),
    (13, 1, 'anna', -1, '2024-01-02 08:00Z', null, null, null),
    (14, 1, 'anna', 99999999999.994999999999, '2024-01-02 08:00Z', null, null, null),
    (15, 1, 'anna', 1e13, '2024-01-02 08:00Z', null, null, null),
    (16, 1, null, 2, '2024-01-02 08:00Z', null, null, null),
    (17, 1, 'anna', 2, 'infinity', null, null, null),
    (18, 1, 'anna', 2, '1924-01-02 08:00:00.25Z', null, null, null),
    (19, 1, 'anna', 2, '2024-01-02 08:00Z', null, '-infinity', null),
    (20, 1, 'anna', 2, '2024-01-02 08:00Z', 'yesterday', null, null),
    (21, 1, 'anna', 2, '2024-01-02 08:00Z', '2024-01-03 08:00', null, null),
    (22, 1, 'anna', 2, '2024-01-02 08:00Z', null, null, 'nobody'),
    (23, 1, 'anna', 2, '2024-01-02 08:00Z', null, null, null),
    (23, 1, 'anna', 2, '2024-01-02 08:00Z', null, null, null),
    (24, 1, 'anna', 2, '2024-01-02 08:00Z', null, null, null),
    (24, 1, 'anna', 3, '2024-01-02 08:00Z', null, null, null);
update orders set promised_at = 'infinity' where order_id = 8;
update orders set promised_at = '-infinity' where order_id = 9;
insert into returns values ('r1', 1, '1', '2024-01-05 08:00Z', 12.34), ('r2', 999, '1', '2024-01-05 08:00Z', null);
insert into cases values (gen_random_uuid(), 'anna', 'inquiry', '2024-01-05 08:00Z', ''),
    ('00000000-0000-0000-0000-000000000001', 'anna', 'rumour', '2024-01-05 08:00Z', null);
insert into feedback values (1, 1, 'anna', 5, '2024-01-05 08:00Z'), (2, 2, 'anna', 4.5, '2024-01-05 08:00Z');
insert into sellers values ('anna', 0, '2024-01-01Z', '2024-01-01Z'), ('anna', 1, '2024-01-01Z', '2024-01-02Z'),
    ('ben', 2, '2024-01-01Z', null);
insert into interventions values ('i1', 'anna', 'hold', '2024-01-05 08:00Z', 0.25),
    ('i2', 'anna', 'hold', '2024-01-05 08:00Z', 1.5);
"""
# Another schema, whose times have no zone: one of them in the hour that the zone of Java's process skips.
CLOCKS_SQL = """
create schema clocks; set search_path = clocks;
create table sellers (seller_id text);
create table orders (order_id text, line_id text, seller_id text, price numeric, ordered_at timestamp);
create table returns (return_id text, order_id text, line_id text, opened_at timestamp);
insert into sellers values ('anna');
insert into orders values ('1', '1', 'anna', 5, '2024-03-31 02:30'), ('2', '1', 'anna', 5, '0044-03-15 12:00'),
    ('3', '1', 'anna', 99999999999.994999999999, '2024-04-01 02:30'), ('4', '1', 'anna', -5, 'infinity'),
    ('5', '1', 'anna', 5, '2024-04-01 02:30'), ('5', '1', 'anna', 5, '2024-04-01 02:30');
insert into orders select n, '1', 'anna', 0.01 * n, timestamp '2024-04-01 00:00' + n * interval '1 h'
    from generate_series(100, 800) as g(n);
insert into returns values ('r1', '1', '1', '2024-04-02 02:30'), ('r2', '999', '1', '2024-04-02 02:30');
"""

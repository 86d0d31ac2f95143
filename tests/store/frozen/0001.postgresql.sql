SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.market_experiments_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'market_experiments is insert-only'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.container_logs (
    log_id integer NOT NULL,
    container_id text NOT NULL,
    level text NOT NULL,
    message text NOT NULL,
    fields json NOT NULL,
    logged_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.container_logs_log_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.container_logs_log_id_seq OWNED BY public.container_logs.log_id;
CREATE TABLE public.containers (
    container_id text NOT NULL,
    run_id text NOT NULL,
    player_id integer NOT NULL,
    ship_symbol text NOT NULL,
    command json NOT NULL,
    wanted_state text NOT NULL,
    state text NOT NULL,
    owner text,
    lease_until timestamp with time zone,
    restarts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone NOT NULL,
    exit_reason text,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    stopped_at timestamp with time zone
);
CREATE TABLE public.experiment_intents (
    intent_id integer NOT NULL,
    run_id text NOT NULL,
    queue_id integer NOT NULL,
    ship_symbol text NOT NULL,
    owner text NOT NULL,
    attempt integer NOT NULL,
    take integer NOT NULL,
    operation text NOT NULL,
    good_symbol text NOT NULL,
    market text NOT NULL,
    fraction double precision,
    iteration integer NOT NULL,
    part integer NOT NULL,
    units integer NOT NULL,
    units_before integer NOT NULL,
    units_found integer,
    price_limit integer NOT NULL,
    quote_before json NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone
);
CREATE SEQUENCE public.experiment_intents_intent_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.experiment_intents_intent_id_seq OWNED BY public.experiment_intents.intent_id;
CREATE TABLE public.experiment_runs (
    run_id text NOT NULL,
    player_id integer NOT NULL,
    universe_id integer NOT NULL,
    system_symbol text NOT NULL,
    design json NOT NULL,
    ships json NOT NULL,
    seed bigint NOT NULL,
    plan json NOT NULL,
    plan_hash text NOT NULL,
    budget bigint NOT NULL,
    credit_floor bigint DEFAULT 0 NOT NULL,
    fuel_credits bigint DEFAULT 0 NOT NULL,
    outlay bigint DEFAULT 0 NOT NULL,
    status text NOT NULL,
    status_reason text,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone
);
CREATE TABLE public.experiment_work_queue (
    queue_id integer NOT NULL,
    run_id text NOT NULL,
    player_id integer NOT NULL,
    pair_id text NOT NULL,
    good_symbol text NOT NULL,
    buy_market text NOT NULL,
    sell_market text NOT NULL,
    status text NOT NULL,
    claimed_by text,
    claimed_at timestamp with time zone,
    completed_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    error_message text,
    created_at timestamp with time zone NOT NULL,
    "position" integer NOT NULL,
    owner text,
    lease_until timestamp with time zone,
    not_before timestamp with time zone NOT NULL,
    max_attempts integer NOT NULL,
    take integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_experiment_work_queue_leased CHECK (((status <> 'CLAIMED'::text) OR ((claimed_by IS NOT NULL) AND (lease_until IS NOT NULL)))),
    CONSTRAINT ck_experiment_work_queue_status CHECK ((status = ANY (ARRAY['PENDING'::text, 'CLAIMED'::text, 'COMPLETED'::text, 'FAILED'::text])))
);
CREATE SEQUENCE public.experiment_work_queue_queue_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.experiment_work_queue_queue_id_seq OWNED BY public.experiment_work_queue.queue_id;
CREATE TABLE public.listing_locks (
    universe_id integer NOT NULL,
    market_symbol text NOT NULL,
    good_symbol text NOT NULL,
    queue_id integer NOT NULL,
    held_until timestamp with time zone NOT NULL
);
CREATE TABLE public.market_experiments (
    experiment_id integer NOT NULL,
    run_id text NOT NULL,
    player_id integer NOT NULL,
    ship_symbol text NOT NULL,
    good_symbol text NOT NULL,
    pair_id text NOT NULL,
    buy_market text NOT NULL,
    sell_market text NOT NULL,
    operation text NOT NULL,
    iteration integer NOT NULL,
    batch_size_fraction double precision,
    units integer NOT NULL,
    price_per_unit integer NOT NULL,
    total_credits bigint NOT NULL,
    listing_type text NOT NULL,
    supply_before text NOT NULL,
    activity_before text,
    trade_volume_before integer NOT NULL,
    price_before integer NOT NULL,
    purchase_price_before integer NOT NULL,
    sell_price_before integer NOT NULL,
    supply_after text,
    activity_after text,
    trade_volume_after integer,
    price_after integer,
    purchase_price_after integer,
    sell_price_after integer,
    supply_change text,
    price_impact_percent double precision,
    visit_id text NOT NULL,
    sequence_in_visit integer NOT NULL,
    cumulative_units integer NOT NULL,
    seconds_since_before double precision NOT NULL,
    foreign_units integer NOT NULL,
    cargo_units integer NOT NULL,
    cargo_capacity integer NOT NULL,
    take integer NOT NULL,
    part integer NOT NULL,
    recovered boolean NOT NULL,
    "timestamp" timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.market_experiments_experiment_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.market_experiments_experiment_id_seq OWNED BY public.market_experiments.experiment_id;
CREATE TABLE public.market_observations (
    observation_id integer NOT NULL,
    universe_id integer NOT NULL,
    system_symbol text NOT NULL,
    waypoint_symbol text NOT NULL,
    good_symbol text NOT NULL,
    type text NOT NULL,
    trade_volume integer NOT NULL,
    supply text NOT NULL,
    activity text,
    purchase_price integer NOT NULL,
    sell_price integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    source text NOT NULL
);
CREATE SEQUENCE public.market_observations_observation_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.market_observations_observation_id_seq OWNED BY public.market_observations.observation_id;
CREATE TABLE public.players (
    player_id integer NOT NULL,
    agent_symbol text NOT NULL,
    universe_id integer NOT NULL
);
CREATE SEQUENCE public.players_player_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.players_player_id_seq OWNED BY public.players.player_id;
CREATE TABLE public.rate_limit (
    account text NOT NULL,
    pool text NOT NULL,
    window_started_at timestamp with time zone NOT NULL,
    taken integer NOT NULL
);
CREATE TABLE public.universes (
    universe_id integer NOT NULL,
    reset_date text NOT NULL,
    base_url text NOT NULL
);
CREATE SEQUENCE public.universes_universe_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.universes_universe_id_seq OWNED BY public.universes.universe_id;
CREATE TABLE public.waypoints (
    universe_id integer NOT NULL,
    waypoint_symbol text NOT NULL,
    system_symbol text NOT NULL,
    type text NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    traits json NOT NULL,
    orbits text,
    is_under_construction boolean NOT NULL,
    imports json,
    exports json,
    exchange json
);
ALTER TABLE ONLY public.container_logs ALTER COLUMN log_id SET DEFAULT nextval('public.container_logs_log_id_seq'::regclass);
ALTER TABLE ONLY public.experiment_intents ALTER COLUMN intent_id SET DEFAULT nextval('public.experiment_intents_intent_id_seq'::regclass);
ALTER TABLE ONLY public.experiment_work_queue ALTER COLUMN queue_id SET DEFAULT nextval('public.experiment_work_queue_queue_id_seq'::regclass);
ALTER TABLE ONLY public.market_experiments ALTER COLUMN experiment_id SET DEFAULT nextval('public.market_experiments_experiment_id_seq'::regclass);
ALTER TABLE ONLY public.market_observations ALTER COLUMN observation_id SET DEFAULT nextval('public.market_observations_observation_id_seq'::regclass);
ALTER TABLE ONLY public.players ALTER COLUMN player_id SET DEFAULT nextval('public.players_player_id_seq'::regclass);
ALTER TABLE ONLY public.universes ALTER COLUMN universe_id SET DEFAULT nextval('public.universes_universe_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES
	('0001');
INSERT INTO public.experiment_intents VALUES
	(1, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 0.5, 1, 1, 8, 0, NULL, 144, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "ABUNDANT", "activity": "GROWING", "purchase_price": 144, "sell_price": 70}, "before_at": "2026-03-01T12:00:00+00:00"}', 'HAPPENED', '2026-03-01 07:00:00-05', '2026-03-01 07:00:00-05'),
	(2, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 0.5, 2, 1, 8, 8, NULL, 147, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "ABUNDANT", "activity": "GROWING", "purchase_price": 147, "sell_price": 71}, "before_at": "2026-03-01T12:00:00+00:00"}', 'HAPPENED', '2026-03-01 07:00:00-05', '2026-03-01 07:00:00-05'),
	(3, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 1, 1, 1, 16, 16, NULL, 149, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "HIGH", "activity": "GROWING", "purchase_price": 149, "sell_price": 72}, "before_at": "2026-03-01T12:00:00+00:00"}', 'HAPPENED', '2026-03-01 07:00:00-05', '2026-03-01 07:00:00-05'),
	(4, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'SELL', 'ALUMINUM', 'X1-NA24-B2', 0.5, 1, 1, 8, 32, NULL, 218, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 458, "sell_price": 218}, "before_at": "2026-03-01T12:00:31+00:00"}', 'HAPPENED', '2026-03-01 07:00:31-05', '2026-03-01 07:00:31-05'),
	(5, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'SELL', 'ALUMINUM', 'X1-NA24-B2', 0.5, 2, 1, 8, 24, NULL, 212, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 450, "sell_price": 212}, "before_at": "2026-03-01T12:00:31+00:00"}', 'HAPPENED', '2026-03-01 07:00:31-05', '2026-03-01 07:00:31-05'),
	(6, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'SELL', 'ALUMINUM', 'X1-NA24-B2', 1, 1, 1, 16, 16, NULL, 206, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 440, "sell_price": 206}, "before_at": "2026-03-01T12:00:31+00:00"}', 'HAPPENED', '2026-03-01 07:00:31-05', '2026-03-01 07:00:31-05'),
	(7, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 1, 2, 1, 16, 0, NULL, 156, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-3", "sequence": 1, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "HIGH", "activity": "GROWING", "purchase_price": 156, "sell_price": 75}, "before_at": "2026-03-01T12:01:02+00:00"}', 'HAPPENED', '2026-03-01 07:01:02-05', '2026-03-01 07:01:02-05'),
	(8, 'run-1', 1, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'SELL', 'ALUMINUM', 'X1-NA24-B2', 1, 2, 1, 16, 16, NULL, 193, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-4", "sequence": 1, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 418, "sell_price": 193}, "before_at": "2026-03-01T12:01:33+00:00"}', 'HAPPENED', '2026-03-01 07:01:33-05', '2026-03-01 07:01:33-05'),
	(9, 'run-1', 2, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 0.5, 1, 1, 8, 0, NULL, 165, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 165, "sell_price": 78}, "before_at": "2026-03-01T12:02:04+00:00"}', 'HAPPENED', '2026-03-01 07:02:04-05', '2026-03-01 07:02:04-05'),
	(10, 'run-1', 2, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 0.5, 2, 1, 8, 8, NULL, 169, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 169, "sell_price": 80}, "before_at": "2026-03-01T12:02:04+00:00"}', 'HAPPENED', '2026-03-01 07:02:04-05', '2026-03-01 07:02:04-05'),
	(11, 'run-1', 2, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'BUY', 'ALUMINUM', 'X1-NA24-A1', 1, 1, 1, 16, 16, NULL, 175, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 175, "sell_price": 82}, "before_at": "2026-03-01T12:02:04+00:00"}', 'HAPPENED', '2026-03-01 07:02:04-05', '2026-03-01 07:02:04-05'),
	(12, 'run-1', 2, 'LAB-1', '152df49dc11d495f92d47b48892a86f3', 1, 1, 'SELL', 'ALUMINUM', 'X1-NA24-E5', 0.5, 1, 1, 8, 32, NULL, 133, '{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-2", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "SCARCE", "activity": "WEAK", "purchase_price": 299, "sell_price": 133}, "before_at": "2026-03-01T12:02:59+00:00"}', 'OPEN', '2026-03-01 07:02:59-05', NULL);
INSERT INTO public.experiment_runs VALUES
	('run-1', 1, 1, 'X1-NA24', '{"fractions": [0.5, 1.0], "iterations": 2, "name": "grid", "washout_seconds": 0.0, "claim_order": "fifo"}', '["LAB-1"]', 0, '{}', '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a', 5000000, 0, 288, 3144, 'RUNNING', NULL, '2026-03-01 07:00:00-05', NULL);
INSERT INTO public.experiment_work_queue VALUES
	(2, 'run-1', 1, 'ALUMINUM:X1-NA24-A1:X1-NA24-E5', 'ALUMINUM', 'X1-NA24-A1', 'X1-NA24-E5', 'CLAIMED', 'LAB-1', '2026-03-01 07:01:33-05', NULL, 1, NULL, '2026-03-01 07:00:00-05', 2, '152df49dc11d495f92d47b48892a86f3', '2026-03-01 07:03:59-05', '2026-03-01 07:00:00-05', 5, 1),
	(1, 'run-1', 1, 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'ALUMINUM', 'X1-NA24-A1', 'X1-NA24-B2', 'COMPLETED', 'LAB-1', '2026-03-01 07:00:00-05', '2026-03-01 07:01:33-05', 1, NULL, '2026-03-01 07:00:00-05', 1, NULL, NULL, '2026-03-01 07:00:00-05', 5, 1);
INSERT INTO public.listing_locks VALUES
	(1, 'X1-NA24-B2', 'ALUMINUM', 1, '2026-03-01 07:01:33-05'),
	(1, 'X1-NA24-A1', 'ALUMINUM', 2, '2026-03-01 07:03:59-05'),
	(1, 'X1-NA24-E5', 'ALUMINUM', 2, '2026-03-01 07:03:59-05');
INSERT INTO public.market_experiments VALUES
	(1, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'BUY', 1, 0.5, 8, 144, 1152, 'EXPORT', 'ABUNDANT', 'GROWING', 16, 144, 144, 70, 'ABUNDANT', 'GROWING', 16, 147, 147, 71, 'ABUNDANT→ABUNDANT', 2.083333333333333, '1-1-1', 1, 8, 0, 0, 8, 40, 1, 1, false, '2026-03-01 07:00:00-05'),
	(2, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'BUY', 2, 0.5, 8, 147, 1176, 'EXPORT', 'ABUNDANT', 'GROWING', 16, 147, 147, 71, 'HIGH', 'GROWING', 16, 149, 149, 72, 'ABUNDANT→HIGH', 1.3605442176870748, '1-1-1', 2, 16, 0, 0, 16, 40, 1, 1, false, '2026-03-01 07:00:00-05'),
	(3, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'BUY', 1, 1, 16, 149, 2384, 'EXPORT', 'HIGH', 'GROWING', 16, 149, 149, 72, 'HIGH', 'GROWING', 16, 156, 156, 75, 'HIGH→HIGH', 4.697986577181208, '1-1-1', 3, 32, 0, 0, 32, 40, 1, 1, false, '2026-03-01 07:00:00-05'),
	(4, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'SELL', 1, 0.5, 8, 218, 1744, 'IMPORT', 'MODERATE', 'GROWING', 20, 218, 458, 218, 'MODERATE', 'GROWING', 20, 212, 450, 212, 'MODERATE→MODERATE', -2.7522935779816518, '1-1-2', 1, 8, 0, 0, 24, 40, 1, 1, false, '2026-03-01 07:00:31-05'),
	(5, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'SELL', 2, 0.5, 8, 212, 1696, 'IMPORT', 'MODERATE', 'GROWING', 20, 212, 450, 212, 'MODERATE', 'GROWING', 20, 206, 440, 206, 'MODERATE→MODERATE', -2.8301886792452833, '1-1-2', 2, 16, 0, 0, 16, 40, 1, 1, false, '2026-03-01 07:00:31-05'),
	(6, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'SELL', 1, 1, 16, 206, 3296, 'IMPORT', 'MODERATE', 'GROWING', 20, 206, 440, 206, 'MODERATE', 'GROWING', 20, 193, 418, 193, 'MODERATE→MODERATE', -6.310679611650485, '1-1-2', 3, 32, 0, 0, 0, 40, 1, 1, false, '2026-03-01 07:00:31-05'),
	(7, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'BUY', 2, 1, 16, 156, 2496, 'EXPORT', 'HIGH', 'GROWING', 16, 156, 156, 75, 'MODERATE', 'GROWING', 16, 165, 165, 78, 'HIGH→MODERATE', 5.769230769230769, '1-1-3', 1, 16, 0, 0, 16, 40, 1, 1, false, '2026-03-01 07:01:02-05'),
	(8, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-B2', 'X1-NA24-A1', 'X1-NA24-B2', 'SELL', 2, 1, 16, 193, 3088, 'IMPORT', 'MODERATE', 'GROWING', 20, 193, 418, 193, 'HIGH', 'GROWING', 20, 177, 394, 177, 'MODERATE→HIGH', -8.290155440414509, '1-1-4', 1, 16, 0, 0, 0, 40, 1, 1, false, '2026-03-01 07:01:33-05'),
	(9, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-E5', 'X1-NA24-A1', 'X1-NA24-E5', 'BUY', 1, 0.5, 8, 165, 1320, 'EXPORT', 'MODERATE', 'GROWING', 16, 165, 165, 78, 'MODERATE', 'GROWING', 16, 169, 169, 80, 'MODERATE→MODERATE', 2.4242424242424243, '2-1-1', 1, 8, 0, 0, 8, 40, 1, 1, false, '2026-03-01 07:02:04-05'),
	(10, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-E5', 'X1-NA24-A1', 'X1-NA24-E5', 'BUY', 2, 0.5, 8, 169, 1352, 'EXPORT', 'MODERATE', 'GROWING', 16, 169, 169, 80, 'MODERATE', 'GROWING', 16, 175, 175, 82, 'MODERATE→MODERATE', 3.5502958579881656, '2-1-1', 2, 16, 0, 0, 16, 40, 1, 1, false, '2026-03-01 07:02:04-05'),
	(11, 'run-1', 1, 'LAB-1', 'ALUMINUM', 'ALUMINUM:X1-NA24-A1:X1-NA24-E5', 'X1-NA24-A1', 'X1-NA24-E5', 'BUY', 1, 1, 16, 175, 2800, 'EXPORT', 'MODERATE', 'GROWING', 16, 175, 175, 82, 'MODERATE', 'GROWING', 16, 188, 188, 87, 'MODERATE→MODERATE', 7.428571428571429, '2-1-1', 3, 32, 0, 0, 32, 40, 1, 1, false, '2026-03-01 07:02:04-05');
INSERT INTO public.market_observations VALUES
	(1, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'ABUNDANT', 'GROWING', 144, 70, '2026-03-01 07:00:00-05', 'visit'),
	(11, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'ABUNDANT', 'GROWING', 147, 71, '2026-03-01 07:00:00-05', 'trade'),
	(21, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'HIGH', 'GROWING', 149, 72, '2026-03-01 07:00:00-05', 'trade'),
	(31, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'HIGH', 'GROWING', 156, 75, '2026-03-01 07:00:00-05', 'trade'),
	(41, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'MODERATE', 'GROWING', 458, 218, '2026-03-01 07:00:31-05', 'visit'),
	(51, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'MODERATE', 'GROWING', 450, 212, '2026-03-01 07:00:31-05', 'trade'),
	(61, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'MODERATE', 'GROWING', 440, 206, '2026-03-01 07:00:31-05', 'trade'),
	(71, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'MODERATE', 'GROWING', 418, 193, '2026-03-01 07:00:31-05', 'trade'),
	(81, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'HIGH', 'GROWING', 156, 75, '2026-03-01 07:01:02-05', 'visit'),
	(91, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'MODERATE', 'GROWING', 165, 78, '2026-03-01 07:01:02-05', 'trade'),
	(101, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'MODERATE', 'GROWING', 418, 193, '2026-03-01 07:01:33-05', 'visit'),
	(111, 1, 'X1-NA24', 'X1-NA24-B2', 'ALUMINUM', 'IMPORT', 20, 'HIGH', 'GROWING', 394, 177, '2026-03-01 07:01:33-05', 'trade'),
	(121, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'MODERATE', 'GROWING', 165, 78, '2026-03-01 07:02:04-05', 'visit'),
	(131, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'MODERATE', 'GROWING', 169, 80, '2026-03-01 07:02:04-05', 'trade'),
	(141, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'MODERATE', 'GROWING', 175, 82, '2026-03-01 07:02:04-05', 'trade'),
	(151, 1, 'X1-NA24', 'X1-NA24-A1', 'ALUMINUM', 'EXPORT', 16, 'MODERATE', 'GROWING', 188, 87, '2026-03-01 07:02:04-05', 'trade'),
	(161, 1, 'X1-NA24', 'X1-NA24-E5', 'ALUMINUM', 'EXPORT', 16, 'SCARCE', 'WEAK', 299, 133, '2026-03-01 07:02:59-05', 'visit');
INSERT INTO public.players VALUES
	(1, 'LAB', 1);
INSERT INTO public.universes VALUES
	(1, '2026-03-01', 'http://sandbox/v2');
SELECT pg_catalog.setval('public.container_logs_log_id_seq', 1, false);
SELECT pg_catalog.setval('public.experiment_intents_intent_id_seq', 12, true);
SELECT pg_catalog.setval('public.experiment_work_queue_queue_id_seq', 2, true);
SELECT pg_catalog.setval('public.market_experiments_experiment_id_seq', 11, true);
SELECT pg_catalog.setval('public.market_observations_observation_id_seq', 170, true);
SELECT pg_catalog.setval('public.players_player_id_seq', 2, true);
SELECT pg_catalog.setval('public.universes_universe_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.container_logs
    ADD CONSTRAINT pk_container_logs PRIMARY KEY (log_id);
ALTER TABLE ONLY public.containers
    ADD CONSTRAINT pk_containers PRIMARY KEY (container_id);
ALTER TABLE ONLY public.experiment_intents
    ADD CONSTRAINT pk_experiment_intents PRIMARY KEY (intent_id);
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT pk_experiment_runs PRIMARY KEY (run_id);
ALTER TABLE ONLY public.experiment_work_queue
    ADD CONSTRAINT pk_experiment_work_queue PRIMARY KEY (queue_id);
ALTER TABLE ONLY public.listing_locks
    ADD CONSTRAINT pk_listing_locks PRIMARY KEY (universe_id, market_symbol, good_symbol);
ALTER TABLE ONLY public.market_experiments
    ADD CONSTRAINT pk_market_experiments PRIMARY KEY (experiment_id);
ALTER TABLE ONLY public.market_observations
    ADD CONSTRAINT pk_market_observations PRIMARY KEY (observation_id);
ALTER TABLE ONLY public.players
    ADD CONSTRAINT pk_players PRIMARY KEY (player_id);
ALTER TABLE ONLY public.rate_limit
    ADD CONSTRAINT pk_rate_limit PRIMARY KEY (account, pool);
ALTER TABLE ONLY public.universes
    ADD CONSTRAINT pk_universes PRIMARY KEY (universe_id);
ALTER TABLE ONLY public.waypoints
    ADD CONSTRAINT pk_waypoints PRIMARY KEY (universe_id, waypoint_symbol);
ALTER TABLE ONLY public.experiment_work_queue
    ADD CONSTRAINT uq_experiment_work_queue_run_id_pair_id UNIQUE (run_id, pair_id);
ALTER TABLE ONLY public.market_experiments
    ADD CONSTRAINT uq_experiments_cell UNIQUE (run_id, pair_id, take, operation, batch_size_fraction, iteration, part);
ALTER TABLE ONLY public.players
    ADD CONSTRAINT uq_players_agent_symbol_universe_id UNIQUE (agent_symbol, universe_id);
ALTER TABLE ONLY public.universes
    ADD CONSTRAINT uq_universes_reset_date_base_url UNIQUE (reset_date, base_url);
CREATE INDEX idx_experiments_good ON public.market_experiments USING btree (run_id, good_symbol);
CREATE INDEX idx_experiments_run ON public.market_experiments USING btree (run_id, "timestamp");
CREATE INDEX idx_experiments_ship ON public.market_experiments USING btree (run_id, ship_symbol);
CREATE INDEX ix_container_logs_container ON public.container_logs USING btree (container_id, log_id);
CREATE INDEX ix_containers_run_id ON public.containers USING btree (run_id);
CREATE INDEX ix_intents_hold ON public.experiment_intents USING btree (run_id, ship_symbol, good_symbol, intent_id);
CREATE INDEX ix_intents_run ON public.experiment_intents USING btree (run_id, state);
CREATE INDEX ix_listing_locks_queue_id ON public.listing_locks USING btree (queue_id);
CREATE INDEX ix_observations_listing ON public.market_observations USING btree (universe_id, system_symbol, waypoint_symbol, good_symbol, observed_at);
CREATE INDEX ix_observations_time ON public.market_observations USING btree (universe_id, system_symbol, observed_at);
CREATE INDEX ix_waypoints_universe_id_system_symbol ON public.waypoints USING btree (universe_id, system_symbol);
CREATE INDEX ix_work_queue_claimed ON public.experiment_work_queue USING btree (run_id, lease_until) WHERE (status = 'CLAIMED'::text);
CREATE INDEX ix_work_queue_pending ON public.experiment_work_queue USING btree (run_id, "position", queue_id) WHERE (status = 'PENDING'::text);
CREATE INDEX ix_work_queue_ship ON public.experiment_work_queue USING btree (run_id, claimed_by) WHERE ((claimed_by IS NOT NULL) AND (status = ANY (ARRAY['PENDING'::text, 'CLAIMED'::text])));
CREATE UNIQUE INDEX uq_intents_open ON public.experiment_intents USING btree (run_id, ship_symbol) WHERE (state = 'OPEN'::text);
CREATE TRIGGER market_experiments_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.market_experiments FOR EACH STATEMENT EXECUTE FUNCTION public.market_experiments_refuse();
ALTER TABLE ONLY public.container_logs
    ADD CONSTRAINT fk_container_logs_container_id FOREIGN KEY (container_id) REFERENCES public.containers(container_id);
ALTER TABLE ONLY public.containers
    ADD CONSTRAINT fk_containers_player_id FOREIGN KEY (player_id) REFERENCES public.players(player_id);
ALTER TABLE ONLY public.containers
    ADD CONSTRAINT fk_containers_run_id FOREIGN KEY (run_id) REFERENCES public.experiment_runs(run_id);
ALTER TABLE ONLY public.experiment_intents
    ADD CONSTRAINT fk_experiment_intents_queue_id FOREIGN KEY (queue_id) REFERENCES public.experiment_work_queue(queue_id);
ALTER TABLE ONLY public.experiment_intents
    ADD CONSTRAINT fk_experiment_intents_run_id FOREIGN KEY (run_id) REFERENCES public.experiment_runs(run_id);
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT fk_experiment_runs_player_id FOREIGN KEY (player_id) REFERENCES public.players(player_id);
ALTER TABLE ONLY public.experiment_runs
    ADD CONSTRAINT fk_experiment_runs_universe_id FOREIGN KEY (universe_id) REFERENCES public.universes(universe_id);
ALTER TABLE ONLY public.experiment_work_queue
    ADD CONSTRAINT fk_experiment_work_queue_player_id FOREIGN KEY (player_id) REFERENCES public.players(player_id);
ALTER TABLE ONLY public.experiment_work_queue
    ADD CONSTRAINT fk_experiment_work_queue_run_id FOREIGN KEY (run_id) REFERENCES public.experiment_runs(run_id);
ALTER TABLE ONLY public.listing_locks
    ADD CONSTRAINT fk_listing_locks_queue_id FOREIGN KEY (queue_id) REFERENCES public.experiment_work_queue(queue_id);
ALTER TABLE ONLY public.listing_locks
    ADD CONSTRAINT fk_listing_locks_universe_id FOREIGN KEY (universe_id) REFERENCES public.universes(universe_id);
ALTER TABLE ONLY public.market_experiments
    ADD CONSTRAINT fk_market_experiments_player_id FOREIGN KEY (player_id) REFERENCES public.players(player_id);
ALTER TABLE ONLY public.market_experiments
    ADD CONSTRAINT fk_market_experiments_run_id FOREIGN KEY (run_id) REFERENCES public.experiment_runs(run_id);
ALTER TABLE ONLY public.market_observations
    ADD CONSTRAINT fk_market_observations_universe_id FOREIGN KEY (universe_id) REFERENCES public.universes(universe_id);
ALTER TABLE ONLY public.players
    ADD CONSTRAINT fk_players_universe_id FOREIGN KEY (universe_id) REFERENCES public.universes(universe_id);
ALTER TABLE ONLY public.waypoints
    ADD CONSTRAINT fk_waypoints_universe_id FOREIGN KEY (universe_id) REFERENCES public.universes(universe_id);

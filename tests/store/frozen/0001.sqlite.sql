BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE container_logs (
	log_id INTEGER NOT NULL, 
	container_id TEXT NOT NULL, 
	level TEXT NOT NULL, 
	message TEXT NOT NULL, 
	fields JSON NOT NULL, 
	logged_at TEXT NOT NULL, 
	CONSTRAINT pk_container_logs PRIMARY KEY (log_id), 
	CONSTRAINT fk_container_logs_container_id FOREIGN KEY(container_id) REFERENCES containers (container_id)
);
CREATE TABLE containers (
	container_id TEXT NOT NULL, 
	run_id TEXT NOT NULL, 
	player_id INTEGER NOT NULL, 
	ship_symbol TEXT NOT NULL, 
	command JSON NOT NULL, 
	wanted_state TEXT NOT NULL, 
	state TEXT NOT NULL, 
	owner TEXT, 
	lease_until TEXT, 
	restarts INTEGER DEFAULT 0 NOT NULL, 
	not_before TEXT NOT NULL, 
	exit_reason TEXT, 
	created_at TEXT NOT NULL, 
	started_at TEXT, 
	stopped_at TEXT, 
	CONSTRAINT pk_containers PRIMARY KEY (container_id), 
	CONSTRAINT fk_containers_player_id FOREIGN KEY(player_id) REFERENCES players (player_id), 
	CONSTRAINT fk_containers_run_id FOREIGN KEY(run_id) REFERENCES experiment_runs (run_id)
);
CREATE TABLE experiment_intents (
	intent_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	queue_id INTEGER NOT NULL, 
	ship_symbol TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	take INTEGER NOT NULL, 
	operation TEXT NOT NULL, 
	good_symbol TEXT NOT NULL, 
	market TEXT NOT NULL, 
	fraction DOUBLE, 
	iteration INTEGER NOT NULL, 
	part INTEGER NOT NULL, 
	units INTEGER NOT NULL, 
	units_before INTEGER NOT NULL, 
	units_found INTEGER, 
	price_limit INTEGER NOT NULL, 
	quote_before JSON NOT NULL, 
	state TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	resolved_at TEXT, 
	CONSTRAINT pk_experiment_intents PRIMARY KEY (intent_id), 
	CONSTRAINT fk_experiment_intents_queue_id FOREIGN KEY(queue_id) REFERENCES experiment_work_queue (queue_id), 
	CONSTRAINT fk_experiment_intents_run_id FOREIGN KEY(run_id) REFERENCES experiment_runs (run_id)
);
INSERT INTO "experiment_intents" VALUES(1,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',0.5,1,1,8,0,NULL,144,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "ABUNDANT", "activity": "GROWING", "purchase_price": 144, "sell_price": 70}, "before_at": "2026-03-01T12:00:00+00:00"}','HAPPENED','2026-03-01T12:00:00.000000Z','2026-03-01T12:00:00.000000Z');
INSERT INTO "experiment_intents" VALUES(2,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',0.5,2,1,8,8,NULL,147,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "ABUNDANT", "activity": "GROWING", "purchase_price": 147, "sell_price": 71}, "before_at": "2026-03-01T12:00:00+00:00"}','HAPPENED','2026-03-01T12:00:00.000000Z','2026-03-01T12:00:00.000000Z');
INSERT INTO "experiment_intents" VALUES(3,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',1.0,1,1,16,16,NULL,149,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-1", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "HIGH", "activity": "GROWING", "purchase_price": 149, "sell_price": 72}, "before_at": "2026-03-01T12:00:00+00:00"}','HAPPENED','2026-03-01T12:00:00.000000Z','2026-03-01T12:00:00.000000Z');
INSERT INTO "experiment_intents" VALUES(4,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'SELL','ALUMINUM','X1-NA24-B2',0.5,1,1,8,32,NULL,218,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 458, "sell_price": 218}, "before_at": "2026-03-01T12:00:31+00:00"}','HAPPENED','2026-03-01T12:00:31.000000Z','2026-03-01T12:00:31.000000Z');
INSERT INTO "experiment_intents" VALUES(5,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'SELL','ALUMINUM','X1-NA24-B2',0.5,2,1,8,24,NULL,212,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 450, "sell_price": 212}, "before_at": "2026-03-01T12:00:31+00:00"}','HAPPENED','2026-03-01T12:00:31.000000Z','2026-03-01T12:00:31.000000Z');
INSERT INTO "experiment_intents" VALUES(6,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'SELL','ALUMINUM','X1-NA24-B2',1.0,1,1,16,16,NULL,206,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-2", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 440, "sell_price": 206}, "before_at": "2026-03-01T12:00:31+00:00"}','HAPPENED','2026-03-01T12:00:31.000000Z','2026-03-01T12:00:31.000000Z');
INSERT INTO "experiment_intents" VALUES(7,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',1.0,2,1,16,0,NULL,156,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-3", "sequence": 1, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "HIGH", "activity": "GROWING", "purchase_price": 156, "sell_price": 75}, "before_at": "2026-03-01T12:01:02+00:00"}','HAPPENED','2026-03-01T12:01:02.000000Z','2026-03-01T12:01:02.000000Z');
INSERT INTO "experiment_intents" VALUES(8,'run-1',1,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'SELL','ALUMINUM','X1-NA24-B2',1.0,2,1,16,16,NULL,193,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-B2", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-B2"}, "visit": {"visit_id": "1-1-4", "sequence": 1, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "IMPORT", "trade_volume": 20, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 418, "sell_price": 193}, "before_at": "2026-03-01T12:01:33+00:00"}','HAPPENED','2026-03-01T12:01:33.000000Z','2026-03-01T12:01:33.000000Z');
INSERT INTO "experiment_intents" VALUES(9,'run-1',2,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',0.5,1,1,8,0,NULL,165,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 165, "sell_price": 78}, "before_at": "2026-03-01T12:02:04+00:00"}','HAPPENED','2026-03-01T12:02:04.000000Z','2026-03-01T12:02:04.000000Z');
INSERT INTO "experiment_intents" VALUES(10,'run-1',2,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',0.5,2,1,8,8,NULL,169,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 2, "cumulative_units": 16}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 169, "sell_price": 80}, "before_at": "2026-03-01T12:02:04+00:00"}','HAPPENED','2026-03-01T12:02:04.000000Z','2026-03-01T12:02:04.000000Z');
INSERT INTO "experiment_intents" VALUES(11,'run-1',2,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'BUY','ALUMINUM','X1-NA24-A1',1.0,1,1,16,16,NULL,175,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-1", "sequence": 3, "cumulative_units": 32}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "MODERATE", "activity": "GROWING", "purchase_price": 175, "sell_price": 82}, "before_at": "2026-03-01T12:02:04+00:00"}','HAPPENED','2026-03-01T12:02:04.000000Z','2026-03-01T12:02:04.000000Z');
INSERT INTO "experiment_intents" VALUES(12,'run-1',2,'LAB-1','08efd8879e5f4f0bb1e43a20fad3f125',1,1,'SELL','ALUMINUM','X1-NA24-E5',0.5,1,1,8,32,NULL,133,'{"pair": {"pair_id": "ALUMINUM:X1-NA24-A1:X1-NA24-E5", "good_symbol": "ALUMINUM", "buy_market": "X1-NA24-A1", "sell_market": "X1-NA24-E5"}, "visit": {"visit_id": "2-1-2", "sequence": 1, "cumulative_units": 8}, "before": {"symbol": "ALUMINUM", "type": "EXPORT", "trade_volume": 16, "supply": "SCARCE", "activity": "WEAK", "purchase_price": 299, "sell_price": 133}, "before_at": "2026-03-01T12:02:59+00:00"}','OPEN','2026-03-01T12:02:59.000000Z',NULL);
CREATE TABLE experiment_runs (
	run_id TEXT NOT NULL, 
	player_id INTEGER NOT NULL, 
	universe_id INTEGER NOT NULL, 
	system_symbol TEXT NOT NULL, 
	design JSON NOT NULL, 
	ships JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	"plan" JSON NOT NULL, 
	plan_hash TEXT NOT NULL, 
	budget BIGINT NOT NULL, 
	credit_floor BIGINT DEFAULT 0 NOT NULL, 
	fuel_credits BIGINT DEFAULT 0 NOT NULL, 
	outlay BIGINT DEFAULT 0 NOT NULL, 
	status TEXT NOT NULL, 
	status_reason TEXT, 
	created_at TEXT NOT NULL, 
	finished_at TEXT, 
	CONSTRAINT pk_experiment_runs PRIMARY KEY (run_id), 
	CONSTRAINT fk_experiment_runs_player_id FOREIGN KEY(player_id) REFERENCES players (player_id), 
	CONSTRAINT fk_experiment_runs_universe_id FOREIGN KEY(universe_id) REFERENCES universes (universe_id)
);
INSERT INTO "experiment_runs" VALUES('run-1',1,1,'X1-NA24','{"fractions": [0.5, 1.0], "iterations": 2, "name": "grid", "washout_seconds": 0.0, "claim_order": "fifo"}','["LAB-1"]',0,'{}','44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',5000000,0,288,3144,'RUNNING',NULL,'2026-03-01T12:00:00.000000Z',NULL);
CREATE TABLE experiment_work_queue (
	queue_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	player_id INTEGER NOT NULL, 
	pair_id TEXT NOT NULL, 
	good_symbol TEXT NOT NULL, 
	buy_market TEXT NOT NULL, 
	sell_market TEXT NOT NULL, 
	status TEXT NOT NULL, 
	claimed_by TEXT, 
	claimed_at TEXT, 
	completed_at TEXT, 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	error_message TEXT, 
	created_at TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	owner TEXT, 
	lease_until TEXT, 
	not_before TEXT NOT NULL, 
	max_attempts INTEGER NOT NULL, 
	take INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_experiment_work_queue PRIMARY KEY (queue_id), 
	CONSTRAINT ck_experiment_work_queue_leased CHECK (status <> 'CLAIMED' OR (claimed_by IS NOT NULL AND lease_until IS NOT NULL)), 
	CONSTRAINT ck_experiment_work_queue_status CHECK (status IN ('PENDING', 'CLAIMED', 'COMPLETED', 'FAILED')), 
	CONSTRAINT fk_experiment_work_queue_player_id FOREIGN KEY(player_id) REFERENCES players (player_id), 
	CONSTRAINT fk_experiment_work_queue_run_id FOREIGN KEY(run_id) REFERENCES experiment_runs (run_id), 
	CONSTRAINT uq_experiment_work_queue_run_id_pair_id UNIQUE (run_id, pair_id)
);
INSERT INTO "experiment_work_queue" VALUES(1,'run-1',1,'ALUMINUM:X1-NA24-A1:X1-NA24-B2','ALUMINUM','X1-NA24-A1','X1-NA24-B2','COMPLETED','LAB-1','2026-03-01T12:00:00.000000Z','2026-03-01T12:01:33.000000Z',1,NULL,'2026-03-01T12:00:00.000000Z',1,NULL,NULL,'2026-03-01T12:00:00.000000Z',5,1);
INSERT INTO "experiment_work_queue" VALUES(2,'run-1',1,'ALUMINUM:X1-NA24-A1:X1-NA24-E5','ALUMINUM','X1-NA24-A1','X1-NA24-E5','CLAIMED','LAB-1','2026-03-01T12:01:33.000000Z',NULL,1,NULL,'2026-03-01T12:00:00.000000Z',2,'08efd8879e5f4f0bb1e43a20fad3f125','2026-03-01T12:03:59.000000Z','2026-03-01T12:00:00.000000Z',5,1);
CREATE TABLE listing_locks (
	universe_id INTEGER NOT NULL, 
	market_symbol TEXT NOT NULL, 
	good_symbol TEXT NOT NULL, 
	queue_id INTEGER NOT NULL, 
	held_until TEXT NOT NULL, 
	CONSTRAINT pk_listing_locks PRIMARY KEY (universe_id, market_symbol, good_symbol), 
	CONSTRAINT fk_listing_locks_queue_id FOREIGN KEY(queue_id) REFERENCES experiment_work_queue (queue_id), 
	CONSTRAINT fk_listing_locks_universe_id FOREIGN KEY(universe_id) REFERENCES universes (universe_id)
);
INSERT INTO "listing_locks" VALUES(1,'X1-NA24-A1','ALUMINUM',2,'2026-03-01T12:03:59.000000Z');
INSERT INTO "listing_locks" VALUES(1,'X1-NA24-B2','ALUMINUM',1,'2026-03-01T12:01:33.000000Z');
INSERT INTO "listing_locks" VALUES(1,'X1-NA24-E5','ALUMINUM',2,'2026-03-01T12:03:59.000000Z');
CREATE TABLE market_experiments (
	experiment_id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	player_id INTEGER NOT NULL, 
	ship_symbol TEXT NOT NULL, 
	good_symbol TEXT NOT NULL, 
	pair_id TEXT NOT NULL, 
	buy_market TEXT NOT NULL, 
	sell_market TEXT NOT NULL, 
	operation TEXT NOT NULL, 
	iteration INTEGER NOT NULL, 
	batch_size_fraction DOUBLE, 
	units INTEGER NOT NULL, 
	price_per_unit INTEGER NOT NULL, 
	total_credits BIGINT NOT NULL, 
	listing_type TEXT NOT NULL, 
	supply_before TEXT NOT NULL, 
	activity_before TEXT, 
	trade_volume_before INTEGER NOT NULL, 
	price_before INTEGER NOT NULL, 
	purchase_price_before INTEGER NOT NULL, 
	sell_price_before INTEGER NOT NULL, 
	supply_after TEXT, 
	activity_after TEXT, 
	trade_volume_after INTEGER, 
	price_after INTEGER, 
	purchase_price_after INTEGER, 
	sell_price_after INTEGER, 
	supply_change TEXT, 
	price_impact_percent DOUBLE, 
	visit_id TEXT NOT NULL, 
	sequence_in_visit INTEGER NOT NULL, 
	cumulative_units INTEGER NOT NULL, 
	seconds_since_before DOUBLE NOT NULL, 
	foreign_units INTEGER NOT NULL, 
	cargo_units INTEGER NOT NULL, 
	cargo_capacity INTEGER NOT NULL, 
	take INTEGER NOT NULL, 
	part INTEGER NOT NULL, 
	recovered BOOLEAN NOT NULL, 
	timestamp TEXT NOT NULL, 
	CONSTRAINT pk_market_experiments PRIMARY KEY (experiment_id), 
	CONSTRAINT fk_market_experiments_player_id FOREIGN KEY(player_id) REFERENCES players (player_id), 
	CONSTRAINT fk_market_experiments_run_id FOREIGN KEY(run_id) REFERENCES experiment_runs (run_id), 
	CONSTRAINT uq_experiments_cell UNIQUE (run_id, pair_id, take, operation, batch_size_fraction, iteration, part)
);
INSERT INTO "market_experiments" VALUES(1,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','BUY',1,0.5,8,144,1152,'EXPORT','ABUNDANT','GROWING',16,144,144,70,'ABUNDANT','GROWING',16,147,147,71,'ABUNDANT→ABUNDANT',2.08333333333333303727e+00,'1-1-1',1,8,0.0,0,8,40,1,1,0,'2026-03-01T12:00:00.000000Z');
INSERT INTO "market_experiments" VALUES(2,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','BUY',2,0.5,8,147,1176,'EXPORT','ABUNDANT','GROWING',16,147,147,71,'HIGH','GROWING',16,149,149,72,'ABUNDANT→HIGH',1.36054421768707478612e+00,'1-1-1',2,16,0.0,0,16,40,1,1,0,'2026-03-01T12:00:00.000000Z');
INSERT INTO "market_experiments" VALUES(3,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','BUY',1,1.0,16,149,2384,'EXPORT','HIGH','GROWING',16,149,149,72,'HIGH','GROWING',16,156,156,75,'HIGH→HIGH',4.69798657718120793447e+00,'1-1-1',3,32,0.0,0,32,40,1,1,0,'2026-03-01T12:00:00.000000Z');
INSERT INTO "market_experiments" VALUES(4,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','SELL',1,0.5,8,218,1744,'IMPORT','MODERATE','GROWING',20,218,458,218,'MODERATE','GROWING',20,212,450,212,'MODERATE→MODERATE',-2.75229357798165175097e+00,'1-1-2',1,8,0.0,0,24,40,1,1,0,'2026-03-01T12:00:31.000000Z');
INSERT INTO "market_experiments" VALUES(5,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','SELL',2,0.5,8,212,1696,'IMPORT','MODERATE','GROWING',20,212,450,212,'MODERATE','GROWING',20,206,440,206,'MODERATE→MODERATE',-2.83018867924528327861e+00,'1-1-2',2,16,0.0,0,16,40,1,1,0,'2026-03-01T12:00:31.000000Z');
INSERT INTO "market_experiments" VALUES(6,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','SELL',1,1.0,16,206,3296,'IMPORT','MODERATE','GROWING',20,206,440,206,'MODERATE','GROWING',20,193,418,193,'MODERATE→MODERATE',-6.31067961165048529892e+00,'1-1-2',3,32,0.0,0,0,40,1,1,0,'2026-03-01T12:00:31.000000Z');
INSERT INTO "market_experiments" VALUES(7,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','BUY',2,1.0,16,156,2496,'EXPORT','HIGH','GROWING',16,156,156,75,'MODERATE','GROWING',16,165,165,78,'HIGH→MODERATE',5.76923076923076916244e+00,'1-1-3',1,16,0.0,0,16,40,1,1,0,'2026-03-01T12:01:02.000000Z');
INSERT INTO "market_experiments" VALUES(8,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-B2','X1-NA24-A1','X1-NA24-B2','SELL',2,1.0,16,193,3088,'IMPORT','MODERATE','GROWING',20,193,418,193,'HIGH','GROWING',20,177,394,177,'MODERATE→HIGH',-8.29015544041450880285e+00,'1-1-4',1,16,0.0,0,0,40,1,1,0,'2026-03-01T12:01:33.000000Z');
INSERT INTO "market_experiments" VALUES(9,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-E5','X1-NA24-A1','X1-NA24-E5','BUY',1,0.5,8,165,1320,'EXPORT','MODERATE','GROWING',16,165,165,78,'MODERATE','GROWING',16,169,169,80,'MODERATE→MODERATE',2.42424242424242430971e+00,'2-1-1',1,8,0.0,0,8,40,1,1,0,'2026-03-01T12:02:04.000000Z');
INSERT INTO "market_experiments" VALUES(10,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-E5','X1-NA24-A1','X1-NA24-E5','BUY',2,0.5,8,169,1352,'EXPORT','MODERATE','GROWING',16,169,169,80,'MODERATE','GROWING',16,175,175,82,'MODERATE→MODERATE',3.55029585798816560426e+00,'2-1-1',2,16,0.0,0,16,40,1,1,0,'2026-03-01T12:02:04.000000Z');
INSERT INTO "market_experiments" VALUES(11,'run-1',1,'LAB-1','ALUMINUM','ALUMINUM:X1-NA24-A1:X1-NA24-E5','X1-NA24-A1','X1-NA24-E5','BUY',1,1.0,16,175,2800,'EXPORT','MODERATE','GROWING',16,175,175,82,'MODERATE','GROWING',16,188,188,87,'MODERATE→MODERATE',7.42857142857142882519e+00,'2-1-1',3,32,0.0,0,32,40,1,1,0,'2026-03-01T12:02:04.000000Z');
CREATE TABLE market_observations (
	observation_id INTEGER NOT NULL, 
	universe_id INTEGER NOT NULL, 
	system_symbol TEXT NOT NULL, 
	waypoint_symbol TEXT NOT NULL, 
	good_symbol TEXT NOT NULL, 
	type TEXT NOT NULL, 
	trade_volume INTEGER NOT NULL, 
	supply TEXT NOT NULL, 
	activity TEXT, 
	purchase_price INTEGER NOT NULL, 
	sell_price INTEGER NOT NULL, 
	observed_at TEXT NOT NULL, 
	source TEXT NOT NULL, 
	CONSTRAINT pk_market_observations PRIMARY KEY (observation_id), 
	CONSTRAINT fk_market_observations_universe_id FOREIGN KEY(universe_id) REFERENCES universes (universe_id)
);
INSERT INTO "market_observations" VALUES(1,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'ABUNDANT','GROWING',144,70,'2026-03-01T12:00:00.000000Z','visit');
INSERT INTO "market_observations" VALUES(11,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'ABUNDANT','GROWING',147,71,'2026-03-01T12:00:00.000000Z','trade');
INSERT INTO "market_observations" VALUES(21,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'HIGH','GROWING',149,72,'2026-03-01T12:00:00.000000Z','trade');
INSERT INTO "market_observations" VALUES(31,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'HIGH','GROWING',156,75,'2026-03-01T12:00:00.000000Z','trade');
INSERT INTO "market_observations" VALUES(41,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'MODERATE','GROWING',458,218,'2026-03-01T12:00:31.000000Z','visit');
INSERT INTO "market_observations" VALUES(51,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'MODERATE','GROWING',450,212,'2026-03-01T12:00:31.000000Z','trade');
INSERT INTO "market_observations" VALUES(61,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'MODERATE','GROWING',440,206,'2026-03-01T12:00:31.000000Z','trade');
INSERT INTO "market_observations" VALUES(71,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'MODERATE','GROWING',418,193,'2026-03-01T12:00:31.000000Z','trade');
INSERT INTO "market_observations" VALUES(81,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'HIGH','GROWING',156,75,'2026-03-01T12:01:02.000000Z','visit');
INSERT INTO "market_observations" VALUES(91,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'MODERATE','GROWING',165,78,'2026-03-01T12:01:02.000000Z','trade');
INSERT INTO "market_observations" VALUES(101,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'MODERATE','GROWING',418,193,'2026-03-01T12:01:33.000000Z','visit');
INSERT INTO "market_observations" VALUES(111,1,'X1-NA24','X1-NA24-B2','ALUMINUM','IMPORT',20,'HIGH','GROWING',394,177,'2026-03-01T12:01:33.000000Z','trade');
INSERT INTO "market_observations" VALUES(121,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'MODERATE','GROWING',165,78,'2026-03-01T12:02:04.000000Z','visit');
INSERT INTO "market_observations" VALUES(131,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'MODERATE','GROWING',169,80,'2026-03-01T12:02:04.000000Z','trade');
INSERT INTO "market_observations" VALUES(141,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'MODERATE','GROWING',175,82,'2026-03-01T12:02:04.000000Z','trade');
INSERT INTO "market_observations" VALUES(151,1,'X1-NA24','X1-NA24-A1','ALUMINUM','EXPORT',16,'MODERATE','GROWING',188,87,'2026-03-01T12:02:04.000000Z','trade');
INSERT INTO "market_observations" VALUES(161,1,'X1-NA24','X1-NA24-E5','ALUMINUM','EXPORT',16,'SCARCE','WEAK',299,133,'2026-03-01T12:02:59.000000Z','visit');
CREATE TABLE players (
	player_id INTEGER NOT NULL, 
	agent_symbol TEXT NOT NULL, 
	universe_id INTEGER NOT NULL, 
	CONSTRAINT pk_players PRIMARY KEY (player_id), 
	CONSTRAINT fk_players_universe_id FOREIGN KEY(universe_id) REFERENCES universes (universe_id), 
	CONSTRAINT uq_players_agent_symbol_universe_id UNIQUE (agent_symbol, universe_id)
);
INSERT INTO "players" VALUES(1,'LAB',1);
CREATE TABLE rate_limit (
	account TEXT NOT NULL, 
	pool TEXT NOT NULL, 
	window_started_at TEXT NOT NULL, 
	taken INTEGER NOT NULL, 
	CONSTRAINT pk_rate_limit PRIMARY KEY (account, pool)
);
CREATE TABLE universes (
	universe_id INTEGER NOT NULL, 
	reset_date TEXT NOT NULL, 
	base_url TEXT NOT NULL, 
	CONSTRAINT pk_universes PRIMARY KEY (universe_id), 
	CONSTRAINT uq_universes_reset_date_base_url UNIQUE (reset_date, base_url)
);
INSERT INTO "universes" VALUES(1,'2026-03-01','http://sandbox/v2');
CREATE TABLE waypoints (
	universe_id INTEGER NOT NULL, 
	waypoint_symbol TEXT NOT NULL, 
	system_symbol TEXT NOT NULL, 
	type TEXT NOT NULL, 
	x INTEGER NOT NULL, 
	y INTEGER NOT NULL, 
	traits JSON NOT NULL, 
	orbits TEXT, 
	is_under_construction BOOLEAN NOT NULL, 
	imports JSON, 
	exports JSON, 
	exchange JSON, 
	CONSTRAINT pk_waypoints PRIMARY KEY (universe_id, waypoint_symbol), 
	CONSTRAINT fk_waypoints_universe_id FOREIGN KEY(universe_id) REFERENCES universes (universe_id)
);
CREATE INDEX ix_waypoints_universe_id_system_symbol ON waypoints (universe_id, system_symbol);
CREATE INDEX ix_work_queue_claimed ON experiment_work_queue (run_id, lease_until) WHERE status = 'CLAIMED';
CREATE INDEX ix_work_queue_pending ON experiment_work_queue (run_id, position, queue_id) WHERE status = 'PENDING';
CREATE INDEX ix_work_queue_ship ON experiment_work_queue (run_id, claimed_by) WHERE claimed_by IS NOT NULL AND status IN ('PENDING', 'CLAIMED');
CREATE INDEX ix_listing_locks_queue_id ON listing_locks (queue_id);
CREATE INDEX idx_experiments_good ON market_experiments (run_id, good_symbol);
CREATE INDEX idx_experiments_run ON market_experiments (run_id, timestamp);
CREATE INDEX idx_experiments_ship ON market_experiments (run_id, ship_symbol);
CREATE INDEX ix_observations_listing ON market_observations (universe_id, system_symbol, waypoint_symbol, good_symbol, observed_at);
CREATE INDEX ix_observations_time ON market_observations (universe_id, system_symbol, observed_at);
CREATE INDEX ix_intents_hold ON experiment_intents (run_id, ship_symbol, good_symbol, intent_id);
CREATE INDEX ix_intents_run ON experiment_intents (run_id, state);
CREATE UNIQUE INDEX uq_intents_open ON experiment_intents (run_id, ship_symbol) WHERE state = 'OPEN';
CREATE INDEX ix_containers_run_id ON containers (run_id);
CREATE INDEX ix_container_logs_container ON container_logs (container_id, log_id);
CREATE TRIGGER market_experiments_no_update BEFORE UPDATE ON market_experiments
    BEGIN SELECT RAISE(ABORT, 'market_experiments is insert-only'); END;
CREATE TRIGGER market_experiments_no_delete BEFORE DELETE ON market_experiments
    BEGIN SELECT RAISE(ABORT, 'market_experiments is insert-only'); END;
COMMIT;

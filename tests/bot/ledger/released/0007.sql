BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	guild_id BIGINT NOT NULL, 
	actor_id BIGINT NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	target VARCHAR(100) NOT NULL, 
	"before" JSON, 
	"after" JSON, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-11-25 20:43:19.397835',1,11,'limits','guild',NULL,'{"steps": 20}');
INSERT INTO "audit" VALUES(2,'2026-11-25 20:43:19.419232',1,11,'ban','99',NULL,'{"reason": "spam", "expires_at": null}');
CREATE TABLE bans (
	guild_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	banned_at DATETIME NOT NULL, 
	banned_by BIGINT NOT NULL, 
	expires_at DATETIME, 
	PRIMARY KEY (guild_id, user_id)
);
INSERT INTO "bans" VALUES(1,99,'spam','2026-11-25 20:43:19.412716',11,NULL);
CREATE TABLE blob_uses (
	sha256 VARCHAR(64) NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	PRIMARY KEY (sha256, job_id)
);
INSERT INTO "blob_uses" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','0000000000000001');
INSERT INTO "blob_uses" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','0000000000000002');
CREATE TABLE charges (
	job_id VARCHAR(16) NOT NULL, 
	guild_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	day INTEGER NOT NULL, 
	gpu_ms BIGINT NOT NULL, 
	pictures INTEGER NOT NULL, 
	PRIMARY KEY (job_id)
);
INSERT INTO "charges" VALUES('0000000000000004',1,7,20780,10000,1);
CREATE TABLE classes (
	model VARCHAR(128) NOT NULL, 
	weight INTEGER NOT NULL, 
	virtual_s FLOAT NOT NULL, 
	started_s FLOAT NOT NULL, 
	clock_s FLOAT NOT NULL, 
	picks BIGINT NOT NULL, 
	PRIMARY KEY (model, weight)
);
INSERT INTO "classes" VALUES('sample',2,5.25,3.5,7.0,3);
CREATE TABLE erasures (
	id INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	user_id BIGINT, 
	guild_id BIGINT, 
	PRIMARY KEY (id)
);
INSERT INTO "erasures" VALUES(1,'2026-11-20 15:00:00',98,NULL);
CREATE TABLE facts (
	name VARCHAR(64) NOT NULL, 
	value JSON NOT NULL, 
	changed_at DATETIME NOT NULL, 
	changed_by BIGINT, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('events_cursor','"3-0"','2026-11-20 15:03:52.731951',NULL);
INSERT INTO "facts" VALUES('command_hash','"abc"','2026-11-20 15:03:52.738143',NULL);
CREATE TABLE favourites (
	user_id BIGINT NOT NULL, 
	job_id VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (user_id, job_id)
);
INSERT INTO "favourites" VALUES(7,'0000000000000000','2026-11-25 20:37:28.059516');
CREATE TABLE jobs (
	seq INTEGER NOT NULL, 
	id VARCHAR(16) NOT NULL, 
	idempotency_key VARCHAR(64) NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	parent_id VARCHAR(16), 
	user_id BIGINT NOT NULL, 
	guild_id BIGINT, 
	channel_id BIGINT NOT NULL, 
	model VARCHAR(128) NOT NULL, 
	cost FLOAT NOT NULL, 
	priority INTEGER NOT NULL, 
	weight INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	outcome VARCHAR(16), 
	is_placed BOOLEAN NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	attempt INTEGER NOT NULL, 
	fence_floor INTEGER NOT NULL, 
	charged_s FLOAT NOT NULL, 
	created_at DATETIME NOT NULL, 
	dispatched_at DATETIME, 
	started_at DATETIME, 
	finished_at DATETIME, 
	seconds FLOAT, 
	failure VARCHAR(32), 
	deliveries INTEGER NOT NULL, 
	undeliverable_code INTEGER, 
	result_channel_id BIGINT, 
	result_message_id BIGINT, 
	is_status_final BOOLEAN NOT NULL, 
	is_swept BOOLEAN NOT NULL, 
	request JSON NOT NULL, 
	notes JSON NOT NULL, 
	skeleton JSON NOT NULL, 
	destination JSON, 
	status JSON, 
	result JSON, policy JSON, asked TEXT, 
	PRIMARY KEY (seq), 
	UNIQUE (id), 
	UNIQUE (idempotency_key)
);
INSERT INTO "jobs" VALUES(1,'0000000000000001','i1','imagine',NULL,7,1,20971520,'sample',512.0,0,2,'closed','delivered',1,0,1,1,3.5,'2026-11-20 15:03:52.357610','2026-11-20 15:03:52.596597','2026-11-20 15:03:52.614322','2026-11-20 15:03:52.641812',3.5,NULL,0,NULL,25165824,1300000000000000001,0,0,'{"model": "sample", "prompt": "a red fox", "width": 128, "height": 128, "num_inference_steps": 8, "guidance_scale": null, "seed": 1, "count": 1, "reference_images": [], "output_format": "webp", "output_quality": 80}','["Size snapped."]','{"content": "<@7> {seed}", "components": [], "alt_text": "", "mentions": [], "nonce": "r0000000000000001", "file_stem": "flux2-0000000000000001", "file_size_limit": 10485760, "failures": {"internal": "It did not work."}, "failure_components": [], "failure_nonce": "n0000000000000001", "cancelled": ""}','{"channel_id": 25165824, "guild_id": 1, "fallback_channel_id": 20971520, "reply_to": null, "dm_user_id": 7}','{"channel_id": 20971520, "message_id": 901, "interaction_token": "token", "token_expires_at": null, "application_id": 77}','{"job_id": "0000000000000001", "attempt": 1, "pictures": [{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "output_format": "webp", "width": 128, "height": 128, "size_bytes": 1000, "seed": 1}], "seconds": 3.5, "timings": {"denoise": 3.0}, "notes": [], "failure": null, "reason": null}',NULL,NULL);
INSERT INTO "jobs" VALUES(2,'0000000000000002','i2','imagine',NULL,7,1,20971520,'sample',512.0,0,2,'delivering',NULL,1,0,1,1,3.5,'2026-11-20 15:03:52.444846','2026-11-20 15:03:52.669605','2026-11-20 15:03:52.708625','2026-11-20 15:03:52.714606',3.5,NULL,0,NULL,NULL,NULL,0,0,'{"model": "sample", "prompt": "a red fox", "width": 128, "height": 128, "num_inference_steps": 8, "guidance_scale": null, "seed": 1, "count": 1, "reference_images": [], "output_format": "webp", "output_quality": 80}','["Size snapped."]','{"content": "<@7> {seed}", "components": [], "alt_text": "", "mentions": [], "nonce": "r0000000000000002", "file_stem": "flux2-0000000000000002", "file_size_limit": 10485760, "failures": {"internal": "It did not work."}, "failure_components": [], "failure_nonce": "n0000000000000002", "cancelled": ""}','{"channel_id": 25165824, "guild_id": 1, "fallback_channel_id": 20971520, "reply_to": null, "dm_user_id": 7}','{"channel_id": 20971520, "message_id": 902, "interaction_token": "token", "token_expires_at": null, "application_id": 77}','{"job_id": "0000000000000002", "attempt": 1, "pictures": [{"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "output_format": "webp", "width": 128, "height": 128, "size_bytes": 1000, "seed": 1}], "seconds": 3.5, "timings": {"denoise": 3.0}, "notes": [], "failure": null, "reason": null}',NULL,NULL);
INSERT INTO "jobs" VALUES(3,'0000000000000003','i3','imagine',NULL,7,1,20971520,'sample',512.0,0,2,'running',NULL,1,0,1,1,3.5,'2026-11-20 15:03:52.474016','2026-11-20 15:03:52.722228','2026-11-20 15:03:52.732751',NULL,NULL,NULL,0,NULL,NULL,NULL,0,0,'{"model": "sample", "prompt": "a red fox", "width": 128, "height": 128, "num_inference_steps": 8, "guidance_scale": null, "seed": 1, "count": 1, "reference_images": [], "output_format": "webp", "output_quality": 80}','["Size snapped."]','{"content": "<@7> {seed}", "components": [], "alt_text": "", "mentions": [], "nonce": "r0000000000000003", "file_stem": "flux2-0000000000000003", "file_size_limit": 10485760, "failures": {"internal": "It did not work."}, "failure_components": [], "failure_nonce": "n0000000000000003", "cancelled": ""}','{"channel_id": 25165824, "guild_id": 1, "fallback_channel_id": 20971520, "reply_to": null, "dm_user_id": 7}','{"channel_id": 20971520, "message_id": 903, "interaction_token": "token", "token_expires_at": null, "application_id": 77}',NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(4,'0000000000000004','i4','imagine',NULL,7,1,20971520,'sample',512.0,0,2,'waiting',NULL,1,0,0,0,0.0,'2026-11-20 15:03:52.540793',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,0,0,'{"model": "sample", "prompt": "a red fox", "width": 128, "height": 128, "num_inference_steps": 8, "guidance_scale": null, "seed": 1, "count": 1, "reference_images": [], "output_format": "webp", "output_quality": 80}','["Size snapped."]','{"content": "<@7> {seed}", "components": [], "alt_text": "", "mentions": [], "nonce": "r0000000000000004", "file_stem": "flux2-0000000000000004", "file_size_limit": 10485760, "failures": {"internal": "It did not work."}, "failure_components": [], "failure_nonce": "n0000000000000004", "cancelled": ""}','{"channel_id": 25165824, "guild_id": 1, "fallback_channel_id": 20971520, "reply_to": null, "dm_user_id": 7}','{"channel_id": 20971520, "message_id": 904, "interaction_token": "token", "token_expires_at": null, "application_id": 77}',NULL,'{"deny": ["spider"], "refuse_above": 0.6}',NULL);
CREATE TABLE preferences (
	user_id BIGINT NOT NULL, 
	changed_at DATETIME NOT NULL, 
	preferences JSON NOT NULL, 
	PRIMARY KEY (user_id)
);
INSERT INTO "preferences" VALUES(7,'2026-11-25 20:37:28.051472','{"model": null, "aspect": "16:9", "size": null, "output_format": null, "output_quality": null}');
CREATE TABLE presets (
	user_id BIGINT NOT NULL, 
	name VARCHAR(32) NOT NULL, 
	shared_with BIGINT, 
	changed_at DATETIME NOT NULL, 
	preset JSON NOT NULL, 
	PRIMARY KEY (user_id, name)
);
INSERT INTO "presets" VALUES(7,'noir',NULL,'2026-11-25 20:37:28.047117','{"model": null, "aspect": null, "size": null, "output_format": null, "output_quality": null, "name": "noir", "prefix": "", "suffix": "in black and white", "steps": null, "guidance": null, "pictures": []}');
CREATE TABLE rules (
	guild_id BIGINT NOT NULL, 
	scope VARCHAR(8) NOT NULL, 
	subject_id BIGINT NOT NULL, 
	document JSON NOT NULL, 
	changed_at DATETIME NOT NULL, 
	changed_by BIGINT NOT NULL, 
	PRIMARY KEY (guild_id, scope, subject_id)
);
INSERT INTO "rules" VALUES(1,'guild',0,'{"steps": 20}','2026-11-25 20:43:19.397211',11);
CREATE TABLE shares (
	model VARCHAR(128) NOT NULL, 
	weight INTEGER NOT NULL, 
	user_id BIGINT NOT NULL, 
	virtual_s FLOAT NOT NULL, 
	picked BIGINT NOT NULL, running_cap INTEGER, 
	PRIMARY KEY (model, weight, user_id)
);
INSERT INTO "shares" VALUES('sample',2,7,10.5,3,NULL);
CREATE TABLE shown (
	interaction_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	opened_at DATETIME NOT NULL, 
	pictures JSON NOT NULL, 
	PRIMARY KEY (interaction_id)
);
INSERT INTO "shown" VALUES(1300000000000000009,7,'2026-11-25 21:02:10.097300','[{"filename": "fox.png"}]');
CREATE TABLE trays (
	user_id BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	label VARCHAR(80) NOT NULL, 
	changed_at DATETIME NOT NULL, 
	PRIMARY KEY (user_id, place)
);
INSERT INTO "trays" VALUES(7,1,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',64,48,'fox.png','2026-11-25 21:02:10.084710');
CREATE TABLE usage (
	guild_id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	day INTEGER NOT NULL, 
	gpu_ms BIGINT NOT NULL, 
	pictures INTEGER NOT NULL, 
	PRIMARY KEY (guild_id, user_id, day)
);
INSERT INTO "usage" VALUES(1,7,20780,10000,1);
CREATE INDEX jobs_by_turn ON jobs (state, model, weight, user_id, seq, is_placed, cost);
CREATE INDEX jobs_of_member ON jobs (user_id, state);
CREATE INDEX jobs_of_guild ON jobs (guild_id, state);
CREATE INDEX jobs_by_result_message ON jobs (result_message_id);
CREATE INDEX jobs_by_finish ON jobs (model, finished_at);
CREATE INDEX jobs_to_tidy ON jobs (state, is_status_final, is_swept);
CREATE INDEX shares_by_turn ON shares (model, weight, virtual_s, picked, user_id);
CREATE INDEX presets_of_guild ON presets (shared_with, name);
CREATE INDEX bans_of_member ON bans (user_id);
CREATE INDEX usage_of_member ON usage (user_id);
CREATE INDEX charges_of_member ON charges (user_id);
CREATE INDEX audit_of_guild ON audit (guild_id, id);
CREATE INDEX blobs_of_job ON blob_uses (job_id);
CREATE INDEX trays_by_blob ON trays (sha256);
COMMIT;

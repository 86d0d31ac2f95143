from spacetraders_lab.core.experiment import *
from spacetraders_lab.store.experiments import ExperimentRepository
from spacetraders_lab.store.intents import IntentRepository
from spacetraders_lab.store.work_queue import WorkQueueRepository
from spacetraders_lab.store.world import World
from tests.factories import *
from datetime import timedelta

def test_all(database):
    with database.transaction() as c:
        w=World(c); u=w.universe_id("http://x/v2","2026-01-01"); assert u==w.universe_id("http://x/v2","2026-01-01")
        p=w.player_id("AG",u)
        w.save_waypoints(u,[make_waypoint(), make_waypoint(SELL_MARKET,1,2)]); w.save_waypoints(u,[make_waypoint(x=4)])
        assert len(w.waypoints(u,"X1-GZ7"))==2
        w.save_snapshot(u,make_snapshot(imports=("A",),exports=("B",)),"scout")
        print(w.latest_listings(u,"X1-GZ7"), w.market_lists(u,"X1-GZ7"))
        r=ExperimentRun("run-1",p,u,"X1-GZ7",Design(),("HAULER-1",),1,1000,RunStatus.RUNNING,None,NOON)
        e=ExperimentRepository(c); e.create_run(r,{"a":1}); assert e.get_run("run-1")==r
        q=WorkQueueRepository(c); q.enqueue_pairs("run-1",p,[PAIR,MarketPair.of(GOOD,BUY_MARKET,"X1-GZ7-C3"),MarketPair.of(GOOD,"X1-GZ7-D","X1-GZ7-C3")],now=NOON)
        a=q.claim_next_pair("run-1","S1",owner="o1",now=NOON,lease_seconds=60)
        b=q.claim_next_pair("run-1","S2",owner="o2",now=NOON,lease_seconds=60)
        assert q.claim_next_pair("run-1","S3",owner="o3",now=NOON,lease_seconds=60) is None
        print(a,b)
        a=q.renew_lease(a,now=NOON,lease_seconds=100)
        i=IntentRepository(c); x=i.open(a,Step(Operation.BUY,GOOD,BUY_MARKET,.1,1,1,6),units_before=0,price_limit=50,quote_before={"a":1},now=NOON)
        assert i.open_intents("S1")==[x]==i.open_of_run("run-1")
        assert e.net_spent("run-1")==300
        e.require_budget("run-1",700)
        i.resolve(x.intent_id,IntentState.HAPPENED,now=NOON)
        e.record_transaction(make_record()); e.add_fuel("run-1",7)
        assert e.net_spent("run-1")==307
        assert i.held(a.queue_id,a.take)=={GOOD:6}==i.ledger("S1","run-1")
        assert e.records_of("run-1",PAIR.pair_id,1)==[make_record()]==list(e.records("run-1"))
        q.mark_complete(a,now=NOON); q.release(b,now=NOON)
        q.mark_failed(q.claim_next_pair("run-1","S2",owner="o2",now=NOON,lease_seconds=60),"x",now=NOON)
        print(q.get_queue_status("run-1"),q.get_ship_progress("run-1"),q.unfinished("run-1"),q.failed_pairs("run-1"), q.sweep("run-1",now=NOON))
        e.set_status("run-1",RunStatus.COMPLETED,None,now=NOON)

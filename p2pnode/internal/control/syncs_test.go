package control

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/record"
)

// What is remembered of syncs is bounded, and the newest stays.
func TestSyncsAreBounded(t *testing.T) {
	var s Syncs
	for i := range 2 * maxSyncedPeers {
		// The later a sync began, the less long it took.
		r := record.SyncReport{
			Peer: peer.ID(fmt.Sprint("peer", i)), Topic: "log.entry/all", Took: time.Duration(100-i) * time.Hour,
		}
		s.Ended(&r, record.Both, nil)
	}
	all := s.of("log.entry/all")
	if len(all) != maxSyncedPeers {
		t.Fatalf("%d are remembered", len(all))
	}
	for i, e := range all {
		if want := peer.ID(fmt.Sprint("peer", 2*maxSyncedPeers-1-i)).String(); e.Peer != want || !e.Done {
			t.Errorf("number %d is %+v, want %s", i, e, want)
		}
	}
	if other := s.of("log.entry/other"); other == nil || len(other) != 0 {
		t.Errorf("another topic has %v", other)
	}
}

// A sync that has ended says what was refused, where, and why it has failed.
func TestWhatASyncHasRefused(t *testing.T) {
	taken, old, full := record.SyncedRecord{Key: "/a/1"}, record.SyncedRecord{Key: "/a/2", Err: record.ErrOldRecord},
		record.SyncedRecord{Key: "/a/3", Err: record.ErrFull}
	r := record.SyncReport{
		Peer: "peer", Topic: "a/all",
		Pulled: record.SyncCounts{
			Taken: 1, Refused: map[string]int{"old": 1}, Missing: 4, Records: []record.SyncedRecord{taken, old},
		},
		Pushed: record.SyncCounts{Refused: map[string]int{"full": 2 * maxRefusedRecords}},
	}
	for range 2 * maxRefusedRecords {
		r.Pushed.Records = append(r.Pushed.Records, full)
	}
	var s Syncs
	if e := s.goesOn(&r, record.Pull, time.Now()); e.Done || e.Refused != nil || e.Direction != "pull" {
		t.Errorf("while it goes on: %+v", e)
	}
	e := s.Ended(&r, record.Both, errors.New("cut off"))
	if got := s.of("a/all"); len(got) != 1 || !got[0].Done || got[0].Error != "cut off" {
		t.Errorf("%+v", got)
	}
	if e.Pulled.Taken != 1 || e.Pulled.Refused != 1 || e.Pulled.Missing != 4 || e.Pushed.Refused != 2*maxRefusedRecords {
		t.Errorf("%+v", e)
	}
	if len(e.Refused) != maxRefusedRecords || e.Refused[0].Key != "/a/2" || e.Refused[0].Pushed || !e.Refused[1].Pushed ||
		e.Refused[0].Reason != record.ErrOldRecord.Error() {
		t.Errorf("%+v", e.Refused)
	}
}

package main

import "testing"

// TestKeptSynced has two nodes keep a topic in sync, which one of them begins with.
func TestKeptSynced(t *testing.T) {
	one := newNode(t)
	putLocal(t, one, `{"ID":1,"Name":"Ann"}`)
	startNode(t, one)
	two := newNode(t, "sync club.member/all", "bootstrap "+statusAt(t, one).Addresses[0])
	putLocal(t, two, `{"ID":2,"Name":"Bob"}`)
	startNode(t, two)
	await(t, "both rows at both nodes", func() bool { return topicAt(t, one).Rows == 2 && topicAt(t, two).Rows == 2 })
	await(t, "the sync is listed", func() bool {
		got := topicAt(t, two)
		return got.Kept && len(got.Synced) == 1 && got.Synced[0].Pushed.Taken == 1 && got.Synced[0].Error == ""
	})
}

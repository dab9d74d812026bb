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
	await(t, "the other node lists it too", func() bool {
		got := topicAt(t, one).Answered
		return len(got) == 1 && got[0].Pulled.Taken == 1 && got[0].ToPush == 1
	})
	// The next sync of the two comes minutes later.
	three := newNode(t, "sync club.member/all", "bootstrap "+statusAt(t, two).Addresses[0])
	startNode(t, three)
	await(t, "the two gossip", func() bool {
		got := topicAt(t, two).Gossip
		return len(got) == 1 && got[0].Listens
	})
	putLocal(t, three, `{"ID":3,"Name":"Eve"}`)
	await(t, "a row of the third is at the second", func() bool { return topicAt(t, two).Rows == 3 })
}

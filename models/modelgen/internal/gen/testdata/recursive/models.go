package recursive

type Tree struct {
	ID    uint64 `netabase:"primary"`
	Nodes []Tree // fault: Tree.Nodes[]: Tree contains itself, so its depth has no bound
}

type Link struct {
	Next map[string]*Link // fault: Chain.First.Next[]: Link contains itself
}

type Chain struct {
	ID    uint64 `netabase:"primary"`
	First Link
}

type (
	d1 struct{ F [][][][][][][][]int } // fault: its maps and lists nest more than 32 deep
	d2 struct{ F [][][][][][][][]d1 }
	d3 struct{ F [][][][][][][][]d2 }
	d4 struct{ F [][][][][][][][]d3 }
)

type Deep struct {
	ID uint64 `netabase:"primary"`
	F  d4
}

type Again struct { // fault: the maps and lists of Again nest more than 32 deep
	ID uint64 `netabase:"primary"`
	A  d3
	F  struct{ F [][][][]d3 }
}

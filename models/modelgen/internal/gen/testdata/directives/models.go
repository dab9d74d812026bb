package directives

//netabase:tre user // fault: //netabase:tre is not known; use //netabase:tree, //netabase:definition or //netabase:policy
type A struct {
	ID uint64 `netabase:"primary"`
}

//netabase:tree // fault: write //netabase:tree, a name of 1 to 64 letters
type B struct {
	ID uint64 `netabase:"primary"`
}

// // fault: "1b" cannot be the name of a variable
//
//netabase:tree b 1b
type C struct {
	ID uint64 `netabase:"primary"`
}

//netabase:tree d
type D int // fault: D is int; a model is a struct

//netabase:policy immutable // fault: write //netabase:policy and open or signed
type E struct {
	ID uint64 `netabase:"primary"`
}

//netabase:policy signed
type F struct {
	ID uint64 `netabase:"primary"` // fault: F.ID: the primary key of a signed tree is, or begins with, its owner's peer.ID
}

// // fault: G is embedded in no struct of the package; drop //netabase:embedded
//
//netabase:embedded
type G struct {
	ID uint64 `netabase:"primary"`
}

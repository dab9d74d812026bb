package directives

//netabase:tre user // fault: //netabase:tre is not known; use //netabase:tree, //netabase:definition, //netabase:policy or //netabase:merge
type A struct {
	ID uint64 `netabase:"primary"`
}

//netabase:tree // fault: after //netabase:tree write a name of 1 to 64 letters
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
type D int // fault: D is declared as int; a model has to be a struct

//netabase:policy immutable // fault: write //netabase:policy open or //netabase:policy signed
type E struct {
	ID uint64 `netabase:"primary"`
}

//netabase:policy signed
type F struct {
	ID uint64 `netabase:"primary"` // fault: F.ID: the primary key of a signed tree has to be, or begin with, the peer.ID of the owner
}

// // fault: no struct of the package embeds G; remove //netabase:embedded
//
//netabase:embedded
type G struct {
	ID uint64 `netabase:"primary"`
}

//netabase:policy open
//netabase:merge // fault: after //netabase:merge write the name of the function
type H struct {
	ID uint64 `netabase:"primary"`
}

//netabase:merge mergeI
type I struct { // fault: only the rows of an open tree are merged
	ID uint64 `netabase:"primary"`
}

package directives

//netabase:tre user // fault: //netabase:tre is not known; use //netabase:tree or //netabase:definition
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

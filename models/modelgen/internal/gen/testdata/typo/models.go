package typo

type Typo struct {
	A uint64 `netabase:"primary"`
	B strin  // fault: Typo.B: the type of the field is not known
}

package nothing // fault: the package has no model; tag the primary key of a struct `netabase:"primary"`

type User struct {
	ID uint64
}

package names

type Users struct{}

type User struct { // fault: the generated code would declare Users, as line 3 of models.go does
	ID     uint64 `netabase:"primary"`
	Author string `netabase:"index"`

	AuthorID uint64 `netabase:"index"` // fault: the generated code would declare UserByAuthor twice
}

type r struct{} // fault: the generated code has a variable named r; rename the type

func len(s string) int { return 0 } // fault: this hides Go's own len, which the generated code uses

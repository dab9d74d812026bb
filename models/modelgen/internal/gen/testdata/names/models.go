package names

type Users struct{}

type User struct { // fault: modelgen would write Users, which line 3 of models.go declares
	ID     uint64 `netabase:"primary"`
	Author string `netabase:"index"`

	AuthorID uint64 `netabase:"index"` // fault: modelgen would write UserByAuthor twice
}

type r struct{} // fault: modelgen uses the name r for a variable; rename the type

func len(s string) int { return 0 } // fault: modelgen needs Go's own len, which this hides

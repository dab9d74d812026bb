package said

import "time"

// Level marshals itself.
type Level int

func (l Level) MarshalText() ([]byte, error) { return []byte{byte(l)}, nil }

func (l *Level) UnmarshalText(text []byte) error {
	*l = Level(text[0])
	return nil
}

// Score has a zero of its own.
type Score int

func (s Score) IsZero() bool { return s == 1 }

type Owner struct {
	Name string `netabase:"index" cbor:"by"`
}

type Task struct {
	Owner

	ID     uint64    `netabase:"primary,1" cbor:"id"`
	On     bool      `netabase:"primary,2;index=place,2,optional"`
	At     time.Time `netabase:"clock;multi=tag_at,2"`
	Place  [4]byte   `netabase:"index=place,1"`
	Tags   []string  `netabase:"multi=tag_at,1"`
	Level  Level     `netabase:"index;index=both,1"`
	Levels []Level   `netabase:"multi"`
	Score  Score     `netabase:"unique"`
	Scored []Score   `netabase:"multi"`
	Both   string    `netabase:"index=both,2"`
}

type Scored struct {
	Score Score  `netabase:"primary;clock"`
	Name  string `netabase:"index"`
}

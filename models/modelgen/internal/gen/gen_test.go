package gen_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/newsnet-africa/netabase-go/models/modelgen/internal/gen"
)

// TestCheckedIn compares the generator's output with the files in the repository, which the
// other tests compile.
func TestCheckedIn(t *testing.T) {
	for _, file := range []string{
		"../wide/wide.go",
		"../../../../examples/generated/blog/blog.go",
		"../../../../examples/merge/lobby/lobby.go",
	} {
		first, err := gen.Package(file)
		if err != nil {
			t.Fatal(err)
		}
		checkedIn, err := os.ReadFile(first.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Content, checkedIn) {
			t.Errorf("%s is not what modelgen writes now; run go generate", first.Path)
		}
		second, err := gen.Package(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Content, second.Content) {
			t.Errorf("%s: two runs differ", file)
		}
	}
}

// TestFaults checks the messages for each package in testdata. A line with a fault ends in a
// comment that quotes the message.
func TestFaults(t *testing.T) {
	dirs, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if dir.Name() == "before" || dir.Name() == "signed" || dir.Name() == "blind" || dir.Name() == "said" {
			continue
		}
		t.Run(dir.Name(), func(t *testing.T) {
			file := filepath.Join("testdata", dir.Name(), "models.go")
			want := wantedFaults(t, file)
			out, err := gen.Package(file)
			if err == nil {
				t.Fatalf("no fault is found; this is generated:\n%s", out.Content)
			}
			var got []string
			for line := range strings.SplitSeq(err.Error(), "\n") {
				got = append(got, line)
			}
			for _, w := range want {
				if !slices.ContainsFunc(got, w.isIn) {
					t.Errorf("nothing says at %s%q, but:\n%v", w.at, w.text, err)
				}
			}
			if !slices.IsSortedFunc(got, func(a, b string) int { return lineOf(a) - lineOf(b) }) {
				t.Errorf("not in the order of lines:\n%v", err)
			}
			if len(got) != len(want) {
				t.Errorf("%d faults are found and not %d:\n%v", len(got), len(want), err)
			}
			if _, err := os.Stat(out.Path); out.Path != "" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s was written", out.Path)
			}
		})
	}
}

// TestBefore generates for a package that does not compile before.
func TestBefore(t *testing.T) {
	out, err := gen.Package("testdata/before/models.go")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Users = models.NewTree("; !bytes.Contains(out.Content, []byte(want)) {
		t.Errorf("%q is not in\n%s", want, out.Content)
	}
}

// TestSigned generates a tree that is signed by the owners of its rows.
func TestSigned(t *testing.T) {
	generates(t, "testdata/signed/models.go",
		`models.NewTree("note", models.PairOf(record.PeerKey, models.Uint64), func(m *Note) models.Pair[peer.ID, uint64] {`,
		"models.WithPolicy[Note](models.Signed)",
		`models.NewIndex(Notes, "to", record.PeerKey, `,
		`models.KeyFields[Note]("Owner", "Number")`,
		`models.Fields[Note]("To"), models.OptionalFields[Note]("To"))`,
		`models.Where(func(m *Note) bool { return m.To != "" })`)
}

// TestBlind generates a tree with indexes that hide their keys.
func TestBlind(t *testing.T) {
	generates(t, "testdata/blind/models.go",
		`PatientByName = models.NewBlind(Patients, "name", models.String, `,
		`PatientByNameYear = models.NewBlind(Patients, "name_year", models.PairOf(models.String, models.Uint64), `,
		`PatientByYear = models.NewIndex(Patients, "year", `,
		`// PatientByNumber finds the one row of Patients with a given Number.`,
		`PatientByNumber = models.NewBlindUnique(Patients, "number", models.String, `,
		`models.Where(func(m *Patient) bool { return m.Number != "" })`)
}

// TestSaid generates keys whose fields other programs can read, and keys of types with forms or zeros of
// their own, which they cannot.
func TestSaid(t *testing.T) {
	out := generates(t, "testdata/said/models.go",
		`models.KeyFields[Task]("id", "On")`,
		`models.ClockField[Task]("At")`,
		`return m.Owner.Name },
		models.Fields[Task]("by"))`,
		`models.Fields[Task]("Tags", "At"))`,
		`models.Fields[Task]("Place", "On"), models.OptionalFields[Task]("On"))`)
	for _, name := range []string{"Level", "Levels", "Score", "Scored", "Both"} {
		if !strings.Contains(out, "func(m *Task)") || strings.Contains(out, `[Task]("`+name) {
			t.Errorf("the keys of %s are said in\n%s", name, out)
		}
	}
}

// generates checks that what is generated for a file holds each of the texts.
func generates(t *testing.T, file string, texts ...string) string {
	t.Helper()
	out, err := gen.Package(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range texts {
		if !bytes.Contains(out.Content, []byte(want)) {
			t.Errorf("%q is not in\n%s", want, out.Content)
		}
	}
	return string(out.Content)
}

// lineOf returns the line number in a message.
func lineOf(message string) (line int) {
	fmt.Sscanf(message, "models.go:%d:", &line)
	return line
}

// fault is an expected message and its place.
type fault struct{ at, text string }

func (f fault) isIn(line string) bool {
	return strings.HasPrefix(line, f.at) && strings.Contains(line, f.text)
}

// wantedFaults reads the comments "// fault: …" of a file, and those above a
// directive, "// // fault: …".
func wantedFaults(t *testing.T, file string) []fault {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []fault
	lines := strings.Split(string(content), "\n")
	for i, line := range lines {
		line, text, found := strings.Cut(line, "// fault: ")
		number := i + 1
		if strings.TrimSpace(line) == "//" { // the comment is about the next directive
			number += slices.IndexFunc(lines[i:], func(l string) bool { return strings.HasPrefix(l, "//netabase:") })
		}
		if found {
			want = append(want, fault{at: fmt.Sprintf("%s:%d: ", filepath.Base(file), number), text: text})
		}
	}
	if len(want) == 0 {
		t.Fatalf("%s names no fault", file)
	}
	return want
}

package golang_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/newsnet-africa/netabase-go/internal/alloctest"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/golang"
)

// read returns the packages of Read, and its refusals as one string each.
func read(t *testing.T, name, input string) (packages []golang.Package, refused []string, err error) {
	t.Helper()
	// One byte at a time: the size of reads must not matter.
	packages, err = golang.Read(iotest.OneByteReader(strings.NewReader(input)), name, func(line int, reason error) {
		refused = append(refused, fmt.Sprintf("%d: %v", line, reason))
	})
	return packages, refused, err
}

var (
	fmtPackage = golang.Package{
		ImportPath: "fmt",
		Name:       "fmt",
		Synopsis:   "Package fmt formats, and \"scans\".",
		Module:     "std",
		Imports:    9,
	}
	ioPackage = golang.Package{ImportPath: "io", Name: "io", Module: "std", Imports: 1}
)

const (
	fmtJSON = `{"import_path":"fmt","name":"fmt","synopsis":"Package fmt formats, and \"scans\".","module":"std","imports":9}`
	ioJSON  = `{"imports":1,"module":"std","name":"io","import_path":"io"}`
	csvHead = "import_path,name,synopsis,module,imports\n"
	fmtCSV  = `fmt,fmt,"Package fmt formats, and ""scans"".",std,9`
	ioCSV   = `io,io,,std,1`
)

func TestReadFormats(t *testing.T) {
	tests := []struct{ name, file, input string }{
		{"JSON lines", "data.jsonl", fmtJSON + "\n" + ioJSON + "\n"},
		{"JSON lines by content", "data", fmtJSON + "\n" + ioJSON + "\n"},
		{"JSON lines by content, indented", "", "\n  " + fmtJSON + "\n" + ioJSON},
		{"JSON lines, upper case extension", "DATA.NDJSON", fmtJSON + "\n" + ioJSON},
		{"JSON lines, CRLF, empty lines, no end", "x.json", fmtJSON + "\r\n\r\n \t\r\n" + ioJSON},
		{"JSON lines with a byte order mark", "data", "\uFEFF" + fmtJSON + "\n" + ioJSON},
		{"CSV", "data.csv", csvHead + fmtCSV + "\n" + ioCSV + "\n"},
		{"CSV by content", "data.txt", csvHead + fmtCSV + "\r\n\r\n" + ioCSV},
		{"CSV with a byte order mark", "data.csv", "\uFEFF" + csvHead + fmtCSV + "\n" + ioCSV},
		{"CSV in another order", "data.csv", "imports,synopsis,import_path,module,name\n" +
			`9,"Package fmt formats, and ""scans"".",fmt,std,fmt` + "\n" + `1,,io,std,io`},
		{"repeated without a change", "data.csv", csvHead + fmtCSV + "\n" + ioCSV + "\n" + fmtCSV},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, refused, err := read(t, test.file, test.input)
			if want := []golang.Package{fmtPackage, ioPackage}; err != nil || len(refused) > 0 ||
				!slices.Equal(got, want) {
				t.Errorf("got %+v, refused %q, error %v", got, refused, err)
			}
		})
	}
}

// Each bad line stands between two good ones, as line 2 or, after a CSV header, 3.
func TestReadRefuses(t *testing.T) {
	long := strings.Repeat("x", golang.MaxLineBytes)
	tests := []struct{ name, line, reason string }{
		{"empty object", `{}`, "2: import_path, the primary key, is missing"},
		{"no primary key", `{"name":"fmt"}`, "2: import_path, the primary key, is missing"},
		{"empty primary key", `{"import_path":""}`, "2: import_path, the primary key, is missing"},
		{"unknown field", `{"import_path":"a","size":3}`, `2: unknown field "size"`},
		{"field in another case", `{"Import_Path":"a"}`, `2: unknown field "Import_Path"`},
		{"field twice", `{"import_path":"a","import_path":"b"}`, `2: field "import_path" occurs twice`},
		{"wrong type", `{"import_path":"a","imports":"3"}`, `2: field "imports": a string where a uint64 belongs`},
		{
			"negative number",
			`{"import_path":"a","imports":-1}`,
			`2: field "imports": a number -1 where a uint64 belongs`,
		},
		{
			"number too large",
			`{"import_path":"a","imports":18446744073709551616}`,
			`2: field "imports": a number 18446744073709551616 where a uint64 belongs`,
		},
		{"cut off", `{"import_path":"a","name":"b`, "2: malformed JSON: it ends too early"},
		{"cut off between fields", `{"import_path":"a",`, "2: malformed JSON: it ends too early"},
		{"not an object", `["a"]`, "2: malformed JSON: not an object"},
		{"two objects", `{"import_path":"a"} {"import_path":"b"}`, "2: malformed JSON: more than one object"},
		{"no JSON", `import_path`, "2: malformed JSON: invalid character 'i' looking for beginning of value"},
		{"not UTF-8", "{\"import_path\":\"a\xff\"}", "2: the line is not UTF-8"},
		{"over-long line", `{"import_path":"a","synopsis":"` + long + `"}`, "2: the line has more than 32768 bytes"},
		{"far over-long line", strings.Repeat(long, 5), "2: the line has more than 32768 bytes"},
		{"one byte over", strings.Repeat(" ", golang.MaxLineBytes-1) + "{}", "2: the line has more than 32768 bytes"},
		{
			"over-long key",
			`{"import_path":"` + long[:golang.MaxPathBytes+1] + `"}`,
			"2: import_path has 1025 bytes, 1024 are allowed",
		},
		{"same key, other content", `{"import_path":"fmt"}`, `2: line 1 has import_path "fmt" too, with other content`},
	}
	for _, test := range tests {
		t.Run("JSON/"+test.name, func(t *testing.T) {
			got, refused, err := read(t, "", fmtJSON+"\n"+test.line+"\n"+ioJSON+"\n")
			if want := []golang.Package{fmtPackage, ioPackage}; err != nil || !slices.Equal(got, want) {
				t.Errorf("got %+v, error %v", got, err)
			}
			if !slices.Equal(refused, []string{test.reason}) {
				t.Errorf("refused %q, want %q", refused, test.reason)
			}
		})
	}
	csvTests := []struct{ name, line, reason string }{
		{"too few fields", `a,a,,std`, "3: 4 CSV fields where the header has 5"},
		{"too many fields", `a,a,,std,1,2`, "3: 6 CSV fields where the header has 5"},
		{"not a number", `a,a,,std,many`, `3: column "imports": "many" is not a whole number from 0 to 2⁶⁴-1`},
		{"open quote", `a,a,"and so on,std,1`, `3: malformed CSV: extraneous or missing " in quoted-field`},
		{"stray quote", `a,a,b"c,std,1`, `3: malformed CSV: bare " in non-quoted-field`},
		{"no primary key", `,a,,std,1`, "3: import_path, the primary key, is missing"},
		{"not UTF-8", "a\xc0,a,,std,1", "3: the line is not UTF-8"},
		{"over-long line", "a,a," + long + ",std,1", "3: the line has more than 32768 bytes"},
		{"same key, other content", `fmt,fmt,,std,9`, `3: line 2 has import_path "fmt" too, with other content`},
	}
	for _, test := range csvTests {
		t.Run("CSV/"+test.name, func(t *testing.T) {
			got, refused, err := read(t, "data.csv", csvHead+fmtCSV+"\n"+test.line+"\n"+ioCSV+"\n")
			if want := []golang.Package{fmtPackage, ioPackage}; err != nil || !slices.Equal(got, want) {
				t.Errorf("got %+v, error %v", got, err)
			}
			if !slices.Equal(refused, []string{test.reason}) {
				t.Errorf("refused %q, want %q", refused, test.reason)
			}
		})
	}
}

// The longest allowed line is accepted.
func TestReadLongestLine(t *testing.T) {
	prefix, suffix := `{"import_path":"a","synopsis":"`, `"}`
	synopsis := strings.Repeat("x", golang.MaxLineBytes-len(prefix)-len(suffix))
	for _, end := range []string{"", "\n", "\r\n", "\r\n" + ioJSON} {
		got, refused, err := read(t, "", prefix+synopsis+suffix+end)
		if err != nil || len(refused) > 0 || len(got) == 0 || got[0].Synopsis != synopsis {
			t.Errorf("ending %q: %d packages, refused %q, error %v", end, len(got), refused, err)
		}
	}
}

func TestReadFails(t *testing.T) {
	tests := []struct{ name, file, input, want string }{
		{"nothing", "a.jsonl", "", "no records"},
		{"blank", "a.csv", "\n \n", "no records"},
		{"header alone", "a.csv", csvHead, "no records"},
		{"no good line", "a.jsonl", "one\ntwo\n", "no records"},
		{"unknown column", "a.csv", "import_path,size\na,1\n", `line 1, the CSV header: unknown column "size"`},
		{"column twice", "a.csv", "\nimport_path,name,name\n", `line 2, the CSV header: column "name" occurs twice`},
		{
			"no key column",
			"a.csv",
			"name,module\na,b\n",
			"line 1, the CSV header: no column import_path, the primary key",
		},
		{
			"broken header",
			"a.csv",
			"import_path,\"name\nfmt,fmt\n",
			`line 1, the CSV header: malformed CSV: extraneous or missing " in quoted-field`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := read(t, test.file, test.input)
			if err == nil || err.Error() != test.want || got != nil {
				t.Errorf("got %v, error %v, want %q", got, err, test.want)
			}
		})
	}
	broken := errors.New("cable pulled")
	_, err := golang.Read(io.MultiReader(strings.NewReader(fmtJSON+"\n"), iotest.ErrReader(broken)), "", nil)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "after line 1: ") {
		t.Errorf("a reader that fails: %v", err)
	}
}

// readLine is how many bytes of input a short line counts for. Read allocates at most two
// kilobytes for it: a record and its place in a map, or a JSON decoder and an error.
const readLine = 2048 / alloctest.Factor

func FuzzRead(f *testing.F) {
	f.Add("a.csv", csvHead+fmtCSV+"\n"+ioCSV)
	f.Add("", fmtJSON+"\n{\n"+ioJSON)
	var many, bad strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "%x\n", i)
		fmt.Fprint(&bad, "{\n")
	}
	f.Add("", "import_path\n"+many.String())
	f.Add("", bad.String())
	f.Add("a.csv", "import_path\n"+strings.Repeat("\"\n", 5000))
	f.Add("", "\uFEFF\r\n\xff\n{}\n,\n")
	f.Fuzz(func(t *testing.T, name, input string) {
		var packages []golang.Package
		var err error
		alloctest.Bound(t, len(name)+len(input)+readLine*strings.Count(input, "\n"), func() {
			last := 0
			packages, err = golang.Read(strings.NewReader(input), name, func(line int, reason error) {
				if line <= last || reason == nil {
					t.Errorf("line %d refused after line %d: %v", line, last, reason)
				}
				last = line
			})
		})
		if (err == nil) == (len(packages) == 0) {
			t.Errorf("%d packages and error %v", len(packages), err)
		}
		seen := map[string]bool{}
		for _, p := range packages {
			if p.ImportPath == "" || seen[p.ImportPath] {
				t.Errorf("import path %q is empty or there twice", p.ImportPath)
			}
			seen[p.ImportPath] = true
		}
	})
}

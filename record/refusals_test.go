package record_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore/engine/memory"
	"github.com/newsnet-africa/netabase-go/record"
)

// A refused record is logged with its reason, its key and what is wrong. A flood of them is not.
func TestRefusalsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		debug := &slog.HandlerOptions{Level: slog.LevelDebug}
		r, _ := openRecords(t, memory.Engine(), record.Options{Log: slog.NewTextHandler(&log, debug)})
		key := record.Key(Users, 7)
		put := func(value []byte) {
			_ = r.Put(context.Background(), dsKey("blog.user", key), kadRecord(t, key, value, monday))
		}
		if put(encode(t, &User{ID: 7, Version: 2})); log.Len() > 0 {
			t.Errorf("a record that is taken is logged: %s", log.String())
		}
		lines := func() (lines []string) {
			defer log.Reset()
			return strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
		}
		put(encode(t, &User{ID: 7, Version: 1}))
		put([]byte("none"))
		_ = r.Validator().Validate("/pk/x", nil)
		for i, want := range [][]string{
			{"reason=old", "blog.user 7"}, {"reason=invalid", "blog.user 7"}, {"reason=invalid", "/pk/x"},
		} {
			if line := strings.Split(log.String(), "\n")[i]; !strings.Contains(line, want[0]) || !strings.Contains(line, want[1]) ||
				!strings.Contains(line, "level=DEBUG") {
				t.Errorf("line %d is %q, want %q", i, line, want)
			}
		}
		log.Reset()
		for range 1000 {
			put(nil)
		}
		if n := len(lines()); n > 20 {
			t.Errorf("%d refusals are logged at once", n)
		}
		time.Sleep(3500 * time.Millisecond)
		for range 10 {
			put(nil)
		}
		if found := lines(); len(found) != 3 || !strings.Contains(found[0], "dropped=98") {
			t.Errorf("after a while %q is logged", found)
		}
	})
}

// Nothing is logged if nobody has asked for it.
func TestRefusalsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	for _, handler := range []slog.Handler{nil, slog.NewTextHandler(&log, nil)} {
		r, _ := openRecords(t, memory.Engine(), record.Options{Log: handler})
		if err := r.Validator().Validate(record.Key(Users, 7), []byte("none")); err == nil {
			t.Error("it is valid")
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}

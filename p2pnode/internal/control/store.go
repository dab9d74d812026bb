package control

import (
	"bufio"
	"encoding/hex"
	"time"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/record"
)

var storeRoutes = []route{
	{method: "GET", path: "/v1/quarantine", stream: true, serve: (*handler).quarantine},
	{method: "POST", path: "/v1/quarantine/restore", token: true, body: typeJSON, serve: (*handler).restore},
	{method: "POST", path: "/v1/verify", token: true, stream: true, body: typeJSON, serve: (*handler).verify},
	{method: "POST", path: "/v1/migrate", token: true, stream: true, body: typeJSON, serve: (*handler).migrate},
	{
		method: "POST", path: "/v1/backup", token: true, stream: true, body: typeJSON, query: []string{"plain"},
		serve: (*handler).backup,
	},
}

// progressEvery is the time between two lines of progress.
const progressEvery = time.Second

// maxDamage is how many faults verify describes.
const maxDamage = 100

func (h *handler) quarantine(x *exchange) error {
	return stream(x, func(yield func(api.Quarantined, error) bool) {
		for q, err := range h.Node.Store.Quarantine(x.ctx()) {
			out := api.Quarantined{ID: hexText(q.Key), Tree: q.Tree, Key: q.Text}
			if err == nil && q.Err != nil {
				out.Error = q.Err.Error()
			}
			if !yield(out, err) {
				return
			}
		}
	})
}

func (h *handler) restore(x *exchange) error {
	var body api.Restore
	if err := x.read(&body); err != nil {
		return err
	}
	id, err := hex.DecodeString(body.ID)
	if err != nil || len(id) == 0 {
		return invalid("id %q: it is not one of the quarantine's", shorten(body.ID))
	}
	if err := h.Node.Store.RestoreQuarantined(x.ctx(), id); err != nil {
		return err
	}
	return x.answer(struct{}{})
}

// empty reads a body that has no members.
func (x *exchange) empty() error {
	var body struct{}
	return x.read(&body)
}

// progress writes lines of progress, not too many of them.
type progress struct {
	write func(any) error
	last  time.Time
	err   error
}

func (x *exchange) progress() (*progress, error) {
	if err := x.empty(); err != nil {
		return nil, err
	}
	write, err := x.lines()
	return &progress{write: write, last: time.Now()}, err
}

func (p *progress) tell(now api.Progress) {
	if p.err == nil && time.Since(p.last) >= progressEvery {
		p.last, p.err = time.Now(), p.write(now)
	}
}

// finish writes the last line.
func (p *progress) finish(now api.Progress, err error) error {
	if err == nil {
		err = p.err
	}
	if err != nil {
		return err
	}
	now.Done = true
	return p.write(now)
}

func (h *handler) verify(x *exchange) error {
	p, err := x.progress()
	if err != nil {
		return err
	}
	report, err := record.Verify(x.ctx(), h.Node.Store, datastore.VerifyOptions{Progress: func(r datastore.Report) {
		p.tell(api.Progress{Rows: r.Rows})
	}})
	last := api.Progress{Rows: report.Rows}
	if report.Engine != nil {
		last.Damage = append(last.Damage, report.Engine.Error())
	}
	for _, d := range report.Damage[:min(len(report.Damage), maxDamage)] {
		last.Damage = append(last.Damage, d.String())
	}
	return p.finish(last, err)
}

func (h *handler) migrate(x *exchange) error {
	p, err := x.progress()
	if err != nil {
		return err
	}
	last := api.Progress{}
	last.Rows, err = datastore.Migrate(x.ctx(), h.Node.Store, datastore.MigrateOptions{
		Progress: func(m datastore.MigrateProgress) { p.tell(api.Progress{Tree: m.Tree, Rows: m.Rows}) },
	})
	return p.finish(last, err)
}

func (h *handler) backup(x *exchange) error {
	plain, err := x.flag("plain")
	if err != nil {
		return err
	}
	if err := x.empty(); err != nil {
		return err
	}
	x.begin(typeBytes)
	out := bufio.NewWriterSize(writer{x}, exportEvery)
	if _, err := h.Node.Store.Backup(x.ctx(), out, datastore.BackupOptions{Plain: plain}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return x.flush()
}

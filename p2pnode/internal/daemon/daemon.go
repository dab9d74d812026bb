package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/config"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/meters"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/node"
	"github.com/newsnet-africa/netabase-go/record"
)

// Options say what is not in the settings.
type Options struct {
	// Key is the key of the store, nil if it is not encrypted.
	Key datastore.Key
	// Log is the log. Defaults to none.
	Log *slog.Logger
	// Page is the page that is served by HTTP. Defaults to none.
	Page http.Handler
}

// Daemon is the open node of a directory.
type Daemon struct {
	cfg     *config.Config
	log     *slog.Logger
	unlock  func() error
	key     crypto.PrivKey
	store   *datastore.Store
	records *record.Records // as long as there is no peer, which owns them otherwise
	peer    *node.Node
	shown   control.Node
	meters  *meters.Meters

	// ctx is that of everything that goes on until Close, which waits for work.
	ctx     context.Context
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup
	servers []*http.Server
	// socket and page are where the control interface is served, empty if it is not.
	socket, page string
	failed       chan error
}

// closeTime bounds how long Close waits for requests. All of it has to be over in five seconds.
const closeTime = 1500 * time.Millisecond

// Open opens the store of a directory without a network. It fails with an *InUseError if the node
// runs.
func Open(ctx context.Context, cfg *config.Config, o Options) (_ *Daemon, err error) {
	d, err := prepare(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.records, err = record.New(ctx, d.store, d.recordOptions()); err != nil {
		return nil, err
	}
	d.show(o)
	return d, nil
}

// Start starts the node of a directory.
func Start(ctx context.Context, cfg *config.Config, o Options) (_ *Daemon, err error) {
	d, err := prepare(ctx, cfg, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.join(ctx); err != nil {
		return nil, err
	}
	d.show(o)
	return d, d.serve(o)
}

// prepare locks the directory and opens the store.
func prepare(ctx context.Context, cfg *config.Config, o Options) (_ *Daemon, err error) {
	d := &Daemon{cfg: cfg, log: o.Log, failed: make(chan error, 1)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.ctx, d.cancel = context.WithCancelCause(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	d.shown = control.Node{
		Started: time.Now(), Version: Version(), Dir: cfg.Dir, Engine: cfg.Engine, Mode: cfg.Mode,
		Protocol: cfg.Protocol, Encrypted: o.Key != nil, Settings: cfg.Settings, Events: hub.New(), Kept: cfg.Sync,
	}
	if d.unlock, err = lockDir(cfg.Dir); err != nil {
		return nil, err
	}
	if d.key, err = node.LoadKey(config.Identity(cfg.Dir)); err != nil {
		return nil, err
	}
	if d.shown.ID, err = peer.IDFromPrivateKey(d.key); err != nil {
		return nil, err
	}
	if d.meters, err = meters.New(); err != nil {
		return nil, err
	}
	return d, d.openStore(ctx, o.Key)
}

// show makes the handler of the control interface.
func (d *Daemon) show(o Options) {
	d.shown.Store, d.shown.Records, d.shown.Peer = d.store, d.records, d.peer
	if d.peer != nil {
		d.shown.Records = d.peer.Records
	}
	d.shown.Metrics, d.shown.Series = d.meters.Registry, d.meters.Series
}

// Handler returns the control interface for use within the process: it takes no token.
func (d *Daemon) Handler() http.Handler {
	return control.New(control.Options{Node: &d.shown, Log: d.log})
}

// ID returns the peer's id.
func (d *Daemon) ID() peer.ID { return d.shown.ID }

// Addresses are those at which others reach the peer, with its id.
func (d *Daemon) Addresses() []string {
	if d.peer == nil {
		return nil
	}
	addresses, err := peer.AddrInfoToP2pAddrs(new(d.peer.Address()))
	if err != nil {
		return nil
	}
	all := make([]string, len(addresses))
	for i, a := range addresses {
		all[i] = a.String()
	}
	return all
}

// Socket is the path of the control socket, and Page the address of the page. Each is empty if there
// is none.
func (d *Daemon) Socket() string { return d.socket }

// Page is the address of the page, empty if there is none.
func (d *Daemon) Page() string { return d.page }

// Failed gives an error if the control interface cannot be served any longer.
func (d *Daemon) Failed() <-chan error { return d.failed }

// serve serves the control interface on the socket, and by HTTP if asked for.
func (d *Daemon) serve(o Options) error {
	token, err := loadToken(d.cfg.Dir)
	if err != nil {
		return err
	}
	limits := control.NewLimits()
	handler := control.New(control.Options{Node: &d.shown, Token: token, Limits: limits, Log: d.log, Page: o.Page})
	socket, err := listenSocket(d.cfg.Dir)
	if err != nil {
		return err
	}
	d.socket = config.Socket(d.cfg.Dir)
	d.serveOn(socket, handler)
	if d.cfg.HTTP == "" {
		return nil
	}
	listener, err := net.Listen("tcp", d.cfg.HTTP)
	if err != nil {
		return &config.Error{Setting: "http", From: d.cfg.HTTP, Err: err}
	}
	d.page = "http://" + listener.Addr().String() + "/"
	d.serveOn(listener, control.SameOrigin(listener.Addr(), handler))
	return nil
}

func (d *Daemon) serveOn(listener net.Listener, handler http.Handler) {
	server := control.NewServer(d.ctx, handler, d.log)
	d.servers = append(d.servers, server)
	d.work.Go(func() {
		if err := server.Serve(control.Bounded(listener)); !errors.Is(err, http.ErrServerClosed) {
			select {
			case d.failed <- fmt.Errorf("control interface: %w", err):
			default:
			}
		}
	})
}

// Close ends everything within five seconds. All that was acknowledged is durable when it returns.
// Call it once.
func (d *Daemon) Close() error {
	var faults []error
	d.shown.Events.Close()
	d.cancel(hub.ErrClosed)
	bounded, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	for _, server := range d.servers {
		if err := server.Shutdown(bounded); err != nil {
			d.log.Warn("requests were cut off", "error", err)
			faults = append(faults, server.Close())
		}
	}
	d.work.Wait()
	switch {
	case d.peer != nil:
		faults = append(faults, d.peer.Close())
	case d.records != nil:
		faults = append(faults, d.records.Close())
	}
	if d.store != nil {
		faults = append(faults, d.store.Close())
	}
	if d.meters != nil {
		faults = append(faults, d.meters.Close())
	}
	if d.unlock != nil {
		faults = append(faults, d.unlock())
	}
	return errors.Join(faults...)
}

package record

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

// syncLimits bound the sessions that other peers begin. Patience is also an initiator's.
type syncLimits struct {
	// sessions is how many there are at once, and perPeer how many of one peer.
	sessions, perPeer int
	// turns is how many are worked on at once.
	turns int
	// patience is how long another peer may take to send a turn, or to take an answer.
	patience time.Duration
	// time and bytes are how long a session lasts and how many bytes it moves, about. The
	// initiator may begin another one at once.
	time  time.Duration
	bytes int64
}

var defaultSyncLimits = syncLimits{
	sessions: 16, perPeer: 2, turns: 4,
	patience: 30 * time.Second, time: 5 * time.Minute, bytes: 256 << 20,
}

// responder answers the sessions that other peers begin.
type responder struct {
	records *Records
	limits  syncLimits
	turns   chan struct{}

	mu      sync.Mutex
	open    int
	perPeer map[peer.ID]int
	closed  bool
	running sync.WaitGroup
}

func newResponder(r *Records, limits syncLimits) *responder {
	return &responder{
		records: r, limits: limits, turns: make(chan struct{}, limits.turns), perPeer: map[peer.ID]int{},
	}
}

// begin makes room for a session of a peer.
func (d *responder) begin(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.open == d.limits.sessions || d.perPeer[p] == d.limits.perPeer {
		return false
	}
	d.open++
	d.perPeer[p]++
	d.running.Add(1)
	return true
}

func (d *responder) end(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	if d.perPeer[p]--; d.perPeer[p] == 0 {
		delete(d.perPeer, p)
	}
	d.running.Done()
}

// close ends all sessions, and waits for them.
func (d *responder) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.running.Wait()
}

// answer answers a stream.
func (d *responder) answer(stream network.Stream) {
	p := stream.Conn().RemotePeer()
	s := &responded{
		responder: d, stream: stream,
		in: syncing.NewReader(stream, d.records.maxValue), out: syncing.NewWriter(stream),
	}
	if !d.begin(p) {
		_ = stream.SetDeadline(time.Now().Add(refusalPatience)) // it is reset otherwise
		s.fail(&sessionError{syncing.Busy, "too many sessions"})
		return
	}
	defer d.end(p)
	ctx, cancel := context.WithTimeout(d.records.ending, 2*d.limits.time)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	start := time.Now()
	err := s.run(ctx)
	if err != nil {
		s.fail(err)
	} else {
		_ = stream.Close() // everything has been written
	}
	if s.topic != nil {
		d.records.passOn(ctx, s.topic, &s.brought)
	}
	if d.records.answered != nil && s.topic != nil {
		r := &s.report
		r.Took, r.BytesRead, r.BytesWritten = time.Since(start), s.in.Bytes, s.out.Bytes
		r.ToPull, r.ToPush = r.Pulled.InAll(), r.Pushed.InAll()
		d.records.answered(*r, err)
	}
}

// refusalPatience is how long a peer may take to take a refusal, and to stop writing after it.
const refusalPatience = time.Second

// sessionError ends a session, and tells the other peer why.
type sessionError struct {
	cause syncing.Cause
	text  string
}

func (e *sessionError) Error() string { return e.text }

// responded is a session that another peer has begun.
type responded struct {
	*responder
	stream    network.Stream
	in        *syncing.Reader
	out       *syncing.Writer
	topic     *syncTopic
	direction syncing.Direction
	report    SyncReport
	brought   brought
	// wrong is how many offered records were invalid, and right how many were not.
	wrong, right int
}

// fail ends the session, and says why if that is not the stream's fault.
func (s *responded) fail(err error) {
	var told *sessionError
	switch {
	case errors.As(err, &told):
	case errors.Is(err, syncing.ErrMessage), errors.Is(err, negentropy.ErrMessage),
		errors.Is(err, negentropy.ErrVersion):
		told = &sessionError{syncing.Misbehaved, err.Error()}
	case isOfStream(err):
		_ = s.stream.Reset()
		return
	default: // the store's, of which the other peer need not know more
		told = &sessionError{syncing.Failed, "the store cannot be used"}
	}
	if s.out.Fail(told.cause, told.text) != nil {
		_ = s.stream.Reset()
		return
	}
	// The initiator may still be writing. If the stream were closed now, what it has been told could
	// be lost before it reads it.
	_ = s.stream.CloseWrite()
	_ = s.stream.SetReadDeadline(time.Now().Add(refusalPatience))
	_, _ = io.CopyN(io.Discard, s.stream, syncing.MaxOfferBytes)
	_ = s.stream.Close()
}

// streamError is an error of a stream.
type streamError struct{ error }

func (e streamError) Unwrap() error { return e.error }

func isOfStream(err error) bool { return errors.As(err, new(streamError)) }

func (s *responded) run(ctx context.Context) error {
	start := time.Now()
	for first := true; ; first = false {
		if err := s.stream.SetDeadline(time.Now().Add(s.limits.patience)); err != nil {
			return streamError{err}
		}
		q, err := syncing.ReadRequest(s.in)
		switch {
		case err == io.EOF && !first:
			return nil
		case errors.Is(err, syncing.ErrMessage):
			return err
		case err != nil:
			return streamError{err}
		}
		if time.Since(start) > s.limits.time || s.in.Bytes+s.out.Bytes > s.limits.bytes {
			return &sessionError{syncing.Spent, "the session has used up its time or its bytes"}
		}
		if err := s.check(&q, first); err != nil {
			return err
		}
		select {
		case s.turns <- struct{}{}:
		case <-ctx.Done():
			return streamError{ctx.Err()}
		}
		if err = s.stream.SetDeadline(time.Now().Add(s.limits.patience)); err == nil {
			err = s.work(ctx, &q)
		}
		<-s.turns
		if err != nil {
			return err
		}
	}
}

// check checks what a turn wants.
func (s *responded) check(q *syncing.Request, first bool) error {
	if first != (q.Open != nil) {
		return &sessionError{syncing.Misbehaved, "not the first turn is opened"}
	}
	if first {
		if s.topic = s.records.topics[q.Open.Topic]; s.topic == nil {
			return &sessionError{syncing.NoTopic, "no such topic"}
		}
		s.direction = q.Open.Direction
		s.report = SyncReport{Peer: s.stream.Conn().RemotePeer(), Topic: s.topic.Name(), Direction: reversed(s.direction)}
	}
	if s.direction&syncing.Push == 0 && len(q.Offers) > 0 ||
		s.direction&syncing.Pull == 0 && (len(q.Want)+len(q.Ask) > 0 || q.List != nil) {
		return &sessionError{syncing.Misbehaved, "records go the wrong way"}
	}
	return nil
}

// reversed returns a direction as the other peer sees it.
func reversed(d syncing.Direction) (r Direction) {
	if d&syncing.Pull != 0 {
		r |= Push
	}
	if d&syncing.Push != 0 {
		r |= Pull
	}
	return r
}

// work answers a turn.
func (s *responded) work(ctx context.Context, q *syncing.Request) error {
	if err := s.takeOffers(ctx, q.Offers); err != nil {
		return err
	}
	if err := s.giveWanted(ctx, q.Want); err != nil {
		return err
	}
	if err := s.giveAsked(ctx, q.Ask); err != nil {
		return err
	}
	if q.List != nil {
		if err := s.list(ctx, *q.List); err != nil {
			return err
		}
	}
	if q.Reconcile != nil {
		set := s.topic.set(s.records.store)
		answer, err := negentropy.Respond(ctx, set, negentropy.Limits{Message: syncing.MaxReconcile}, q.Reconcile)
		if err != nil {
			return err
		}
		s.out.Write(&syncing.Message{Kind: syncing.Reconcile, Bytes: answer})
	}
	if err := s.out.End(); err != nil {
		return streamError{err}
	}
	s.report.RoundTrips++
	return nil
}

// takeOffers takes records that the initiator gives.
func (s *responded) takeOffers(ctx context.Context, offers []syncing.Row) error {
	all := make([]*arriving, len(offers))
	for i := range offers {
		all[i] = &arriving{Row: offers[i]}
	}
	if err := s.records.take(ctx, s.topic, all); err != nil {
		return err
	}
	s.brought.add(all)
	for _, a := range all {
		if errors.Is(a.refused, models.ErrInvalid) {
			s.wrong++
		} else {
			s.right++
		}
		reason, text := reasonFor(a.refused)
		s.report.Pulled.count(s.topic.tree, a.Key, text, a.refused)
		verdict := syncing.Message{Kind: syncing.Verdict, Reason: reason}
		beaten := a.merged || reason == syncing.Old
		if beaten && s.direction&syncing.Pull != 0 && !s.out.Full() {
			row, found, err := s.read(ctx, a.candidate.Key)
			if err != nil {
				return err
			}
			if found {
				verdict = syncing.Message{Kind: syncing.Better, Row: row}
				s.report.Pushed.count(s.topic.tree, row.Key, "", nil)
			}
		}
		s.out.Write(&verdict)
	}
	if s.wrong > tolerated+s.right {
		return &sessionError{syncing.Misbehaved, "too many records are invalid"}
	}
	return nil
}

// read reads one record.
func (s *responded) read(ctx context.Context, key []byte) (row syncing.Row, found bool, err error) {
	err = s.records.snapshot(ctx, s.records.store, func(from models.Reader) error {
		row, found, err = s.records.travelling(ctx, from, s.topic.tree, key)
		return err
	})
	return row, found, err
}

// giveWanted gives the records with ids.
func (s *responded) giveWanted(ctx context.Context, want []negentropy.ID) error {
	return s.give(ctx, len(want), func(from models.Reader, i int) (row syncing.Row, found bool, err error) {
		key, err := s.topic.Key(ctx, from, want[i])
		if errors.Is(err, models.ErrNotFound) {
			return row, false, nil
		}
		if err != nil {
			return row, false, err
		}
		return s.records.travelling(ctx, from, s.topic.tree, key)
	})
}

// giveAsked gives the records with keys.
func (s *responded) giveAsked(ctx context.Context, keys []string) error {
	return s.give(ctx, len(keys), func(from models.Reader, i int) (row syncing.Row, found bool, err error) {
		key, err := s.topic.tree.parseKey(keys[i])
		if err != nil {
			return row, false, &sessionError{syncing.Misbehaved, "a key is none"}
		}
		return s.records.travelling(ctx, from, s.topic.tree, key)
	})
}

// give answers for each of n records, of which read reads one. It reads some together from one
// snapshot, which is not open while they are written.
func (s *responded) give(
	ctx context.Context, n int, read func(from models.Reader, i int) (syncing.Row, bool, error),
) error {
	const some, someBytes = 64, 256 << 10
	for at := 0; at < n; {
		if s.out.Full() {
			s.out.Write(&syncing.Message{Kind: syncing.Later})
			at++
			continue
		}
		var messages []syncing.Message
		err := s.records.snapshot(ctx, s.records.store, func(from models.Reader) error {
			size := 0
			for ; at < n && len(messages) < some && size < someBytes; at++ {
				row, found, err := read(from, at)
				if err != nil {
					return err
				}
				if !found {
					messages = append(messages, syncing.Message{Kind: syncing.None})
					continue
				}
				size += len(row.Value)
				messages = append(messages, syncing.Message{Kind: syncing.Record, Row: row})
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range messages {
			if s.out.Full() && messages[i].Kind == syncing.Record {
				messages[i] = syncing.Message{Kind: syncing.Later}
			}
			if messages[i].Kind == syncing.Record {
				s.report.Pushed.count(s.topic.tree, messages[i].Row.Key, "", nil)
			}
			s.out.Write(&messages[i])
		}
	}
	return nil
}

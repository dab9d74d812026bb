package record

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/newsnet-africa/netabase-go/internal/negentropy"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/record/internal/syncing"
)

const (
	// tolerated is how many records that are invalid, or that the other peer has listed and does
	// not have, a session takes, beside as many as were taken. Peers with other bounds or versions
	// can send some.
	tolerated = 64
	// syncHave is how many ids that the other peer lacks are in memory, about.
	syncHave = 4096
)

// initiated is a session that this peer has begun.
type initiated struct {
	node   *Node
	topic  *syncTopic
	how    SyncOptions
	report *SyncReport
	stream network.Stream
	in     *syncing.Reader
	out    *syncing.Writer

	listing *listing
	// compared is nil until all has been listed.
	compared *negentropy.Initiator
	// message is the next message of the comparison, nil if it has come to its end.
	message []byte
	// need and have are ids of records that are still to be asked for and to be given, and ask has
	// keys of records that are to be asked for.
	need, have []negentropy.ID
	ask        [][]byte
	// offer are records that are to be given because the other peer has worse ones.
	offer [][]byte
	// brought are the rows that were taken.
	brought brought
	// arrived are records that have come and are not committed.
	arrived []*arriving
	// flying are the ids of arrived.
	flying map[negentropy.ID]bool
	// wrong is how many records were invalid or missing, and right how many were taken.
	wrong, right int
}

func (n *Node) syncOnce(
	ctx context.Context, p peer.ID, topic *syncTopic, how SyncOptions, list *listing, report *SyncReport,
) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := context.AfterFunc(n.records.ending, func() { cancel(models.ErrClosed) })
	defer ended()
	stream, err := n.dht.Host().NewStream(ctx, p, SyncProtocol)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	s := &initiated{
		node: n, topic: topic, how: how, listing: list, report: report, stream: stream,
		in: syncing.NewReader(stream, n.records.maxValue), out: syncing.NewWriter(stream),
		flying: map[negentropy.ID]bool{},
	}
	defer func() {
		stop()
		report.BytesRead += s.in.Bytes
		report.BytesWritten += s.out.Bytes
		n.records.passOn(ctx, topic, &s.brought)
		switch {
		case err == nil:
			_ = stream.Close() // the other side has told all
			return
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(err, syncing.ErrMessage), errors.Is(err, negentropy.ErrMessage),
			errors.Is(err, negentropy.ErrVersion), errors.Is(err, negentropy.ErrEndless):
			err = fmt.Errorf("%w: %w", ErrMisbehaved, err)
		case isTimeout(err):
			err = fmt.Errorf("%w: %w", ErrStalled, err)
		}
		_ = stream.Reset() // err is what the caller has to know
	}()
	return s.run(ctx)
}

// isTimeout reports whether err is that of a stream whose deadline has passed.
func isTimeout(err error) bool {
	var of net.Error
	return errors.As(err, &of) && of.Timeout()
}

// run goes through the session, turn by turn. The records of a turn are committed while the other
// peer works on the next one.
func (s *initiated) run(ctx context.Context) error {
	r := s.node.records
	direction := syncing.Direction(s.how.Direction)
	open := &syncing.Message{Kind: syncing.Open, Topic: s.topic.Name(), Direction: direction}
	for {
		q := syncing.Request{Open: open}
		open = nil
		if err := s.fill(ctx, &q); err != nil {
			return err
		}
		idle := len(q.Offers)+len(q.Want)+len(q.Ask) == 0 && q.Reconcile == nil && q.List == nil
		if idle && len(s.arrived) == 0 {
			return nil
		}
		if idle { // only what has come last is left, and may lead to more
			if err := s.commit(ctx); err != nil {
				return err
			}
			continue
		}
		if err := s.stream.SetDeadline(time.Now().Add(r.responder.limits.patience)); err != nil {
			return err
		}
		if err := s.out.WriteRequest(&q); err != nil {
			return err
		}
		a, err := s.commitAndRead(ctx, &q)
		if err != nil {
			return err
		}
		s.report.RoundTrips++
		if a.Fail != nil {
			return failure(a.Fail)
		}
		if err := s.takeAnswer(ctx, &q, &a); err != nil {
			return err
		}
		if s.how.Progress != nil {
			s.how.Progress(s.report)
		}
	}
}

// commitAndRead commits what has come, and meanwhile reads the answer to a turn: the other peer could
// send only a part of it otherwise.
func (s *initiated) commitAndRead(ctx context.Context, q *syncing.Request) (a syncing.Answer, err error) {
	read := make(chan error, 1)
	go func() {
		var err error
		a, err = syncing.ReadAnswer(s.in, q)
		read <- err
	}()
	if err := s.commit(ctx); err != nil {
		_ = s.stream.Reset() // which ends the reading
		<-read
		return syncing.Answer{}, err
	}
	err = <-read
	return a, err
}

// failure returns the error for a message with which the other peer has ended the session.
func failure(m *syncing.Message) error {
	text := shorten(string(m.Bytes))
	switch m.Cause {
	case syncing.NoTopic:
		return ErrNoTopic
	case syncing.Busy:
		return ErrBusy
	case syncing.Spent:
		return errSessionSpent
	}
	return fmt.Errorf("%w: the peer ends the session: %q", ErrRefused, text)
}

// compare begins to compare ids.
func (s *initiated) compare(ctx context.Context) (err error) {
	if err := s.commit(ctx); err != nil { // what has been listed
		return err
	}
	limits := negentropy.Limits{Message: syncing.MaxReconcile, Have: syncHave}
	s.compared = negentropy.NewInitiator(s.topic.set(s.node.records.store), limits)
	s.message, err = s.compared.Start(ctx)
	return err
}

// fill fills a turn with what is to be asked for and given. The comparison goes on when there is
// room for what it finds.
func (s *initiated) fill(ctx context.Context, q *syncing.Request) error {
	if s.listing.isOn {
		behind := s.listing.behind
		q.List = &behind
		return nil
	}
	if s.compared == nil {
		if err := s.compare(ctx); err != nil {
			return err
		}
	}
	wanted := min(len(s.need), syncing.MaxWant)
	q.Want, s.need = s.need[:wanted:wanted], s.need[wanted:]
	var room syncing.OfferRoom
	if err := s.fillOffers(ctx, q, &room); err != nil {
		return err
	}
	for len(s.ask) > 0 && len(q.Ask) < syncing.MaxAsk {
		key, err := s.topic.tree.raw.PathText(s.ask[0])
		if err != nil {
			return err
		}
		if !room.Take(&syncing.Row{Key: key}) {
			break
		}
		q.Ask, s.ask = append(q.Ask, key), s.ask[1:]
	}
	if len(s.need)+len(s.have)+len(s.offer)+len(s.ask) == 0 {
		q.Reconcile, s.message = s.message, nil
	}
	return nil
}

func (s *initiated) fillOffers(ctx context.Context, q *syncing.Request, room *syncing.OfferRoom) error {
	r := s.node.records
	const some = 64
	full := false
	for !full && len(s.offer)+len(s.have) > 0 {
		err := r.snapshot(ctx, r.store, func(from models.Reader) error {
			for range some {
				var key []byte
				switch {
				case len(s.offer) > 0:
					key, s.offer = s.offer[0], s.offer[1:]
				case len(s.have) > 0:
					var err error
					key, err = s.topic.Key(ctx, from, s.have[0])
					if s.have = s.have[1:]; errors.Is(err, models.ErrNotFound) {
						s.report.ToPush--
						continue // the row has changed meanwhile
					}
					if err != nil {
						return err
					}
				default:
					return nil
				}
				row, found, err := r.travelling(ctx, from, s.topic.tree, key)
				if err != nil {
					return err
				}
				if !found {
					s.report.Pushed.Missing++
					continue
				}
				if !room.Take(&row) {
					full = true
					s.offer = append(s.offer, key)
					return nil
				}
				q.Offers = append(q.Offers, row)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// takeAnswer takes what the other peer has answered to a turn.
func (s *initiated) takeAnswer(ctx context.Context, q *syncing.Request, a *syncing.Answer) error {
	if q.List != nil {
		return s.takeList(a)
	}
	tree, pulls, pushes := s.topic.tree, s.how.Direction&Pull != 0, s.how.Direction&Push != 0
	later, some := false, false // of the records that were asked for are put off, have come
	for i, verdict := range a.Verdicts {
		name, err := refusedBy(verdict.Reason)
		s.report.Pushed.count(tree, q.Offers[i].Key, name, err)
		some = some || verdict.Better != nil
		if verdict.Better != nil && pulls {
			s.report.ToPull++
			s.arrived = append(s.arrived, &arriving{Row: *verdict.Better, better: true})
		}
	}
	s.right += len(a.Verdicts)
	for i, found := range a.Wanted {
		id := q.Want[i]
		later, some = later || found.Later, some || found.Row != nil
		switch {
		case found.Later:
			s.need = append(s.need, id)
		case found.Row == nil:
			s.report.Pulled.Missing++
			s.wrong++
		default:
			s.flying[id] = true
			s.arrived = append(s.arrived, &arriving{Row: *found.Row, wanted: &id})
		}
	}
	for i, found := range a.Asked {
		later, some = later || found.Later, some || found.Row != nil
		switch {
		case found.Later:
			key, err := tree.parseKey(q.Ask[i])
			if err != nil {
				return err
			}
			s.ask = append(s.ask, key)
		case found.Row == nil:
		case found.Row.Key != q.Ask[i]:
			return fmt.Errorf("%w: it answers with the record of another key than %s", ErrMisbehaved, q.Ask[i])
		default:
			s.report.ToPull++
			s.arrived = append(s.arrived, &arriving{Row: *found.Row, better: true})
		}
	}
	if later && !some {
		return fmt.Errorf("%w: it puts off all of %d records", ErrMisbehaved, len(q.Want)+len(q.Ask))
	}
	if a.Reconcile == nil {
		return s.judge()
	}
	result, err := s.compared.Next(ctx, a.Reconcile)
	if err != nil {
		return err
	}
	s.message = result.Message
	if pulls {
		if err := s.addNeed(ctx, result.Need); err != nil {
			return err
		}
	}
	switch {
	case pushes:
		s.have = append(s.have, result.Have...)
		s.report.ToPush += len(result.Have)
	case tree.rules.Policy() == models.Signed, tree.buries(): // the other peer may have a tombstone
		for _, id := range result.Have {
			key, err := s.topic.Key(ctx, s.node.records.store, id)
			switch {
			case err == nil:
				s.ask = append(s.ask, key)
			case !errors.Is(err, models.ErrNotFound):
				return err
			}
		}
	}
	return s.judge()
}

// addNeed adds ids to those that are to be asked for. The comparison can tell some again.
func (s *initiated) addNeed(ctx context.Context, need []negentropy.ID) error {
	for _, id := range need {
		if s.flying[id] {
			continue
		}
		_, err := s.topic.Key(ctx, s.node.records.store, id)
		switch {
		case err == nil:
		case errors.Is(err, models.ErrNotFound):
			s.need = append(s.need, id)
			s.report.ToPull++
		default:
			return err
		}
	}
	return nil
}

// judge ends a session in which too much was wrong.
func (s *initiated) judge() error {
	if s.wrong > tolerated+s.right {
		return fmt.Errorf("%w: %d of its records are invalid or not there", ErrMisbehaved, s.wrong)
	}
	return nil
}

// commit takes the records that have come.
func (s *initiated) commit(ctx context.Context) error {
	all := s.arrived
	if len(all) == 0 {
		return nil
	}
	s.arrived = nil
	clear(s.flying)
	tree := s.topic.tree
	if err := s.node.records.take(ctx, s.topic, all); err != nil {
		return err
	}
	s.brought.add(all)
	for _, a := range all {
		_, name := reasonFor(a.refused)
		s.report.Pulled.count(tree, a.Key, name, a.refused)
		switch {
		case errors.Is(a.refused, errNotWanted):
			return fmt.Errorf("%w: %w", ErrMisbehaved, a.refused)
		case errors.Is(a.refused, models.ErrInvalid):
			s.wrong++
		default:
			s.right++
		}
		beaten := a.merged || errors.Is(a.refused, ErrOldRecord) && !errors.Is(a.refused, errOutlived)
		if beaten && !a.better && s.how.Direction&Push != 0 {
			s.offer = append(s.offer, a.candidate.Key)
			s.report.ToPush++
		}
	}
	return s.judge()
}

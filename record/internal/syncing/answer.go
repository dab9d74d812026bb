package syncing

// Answer is a turn of the responder.
type Answer struct {
	// Verdicts are on the records that were offered, in their order.
	Verdicts []Ruling
	// Wanted and Asked are what was found for the ids and the keys, in their order.
	Wanted, Asked []Found
	// Reconcile is the answer of Negentropy, nil if nothing was asked.
	Reconcile []byte
	// Listed are the records of a list, Count is about how many rows the topic has, and Behind is the key
	// up to which the responder has looked, empty at the end.
	Listed []Row
	Count  uint64
	Behind string
	// Fail is set if the responder ends the session. The rest is then empty.
	Fail *Message
}

// Ruling is what became of a record that was offered.
type Ruling struct {
	Reason Reason
	// Better is the record because of which the offered one was refused, or nil.
	Better *Row
}

// Found is what the responder has of a record that was asked for.
type Found struct {
	// Row is nil if there is none, or if it may be asked for again.
	Row   *Row
	Later bool
}

// ReadAnswer reads the answer to a turn. Its error matches ErrMessage if the answer is not one to
// that turn.
func ReadAnswer(r *Reader, to *Request) (a Answer, err error) {
	size := 0
	take := func(row *Row) error {
		if size >= MaxAnswerBytes {
			return malformed("a turn has more than %d bytes of records", MaxAnswerBytes)
		}
		size += row.Size()
		return nil
	}
	listed := to.List == nil
	for {
		m, err := r.Next()
		if err != nil {
			return a, unexpected(err)
		}
		found := Found{Later: m.Kind == Later}
		if m.Kind == Record || m.Kind == Better {
			if err := take(&m.Row); err != nil {
				return a, err
			}
			found.Row = &m.Row
		}
		ruled := len(a.Verdicts) == len(to.Offers)
		switch {
		case m.Kind == Fail:
			return Answer{Fail: &m}, nil
		case m.Kind == Verdict && !ruled:
			a.Verdicts = append(a.Verdicts, Ruling{Reason: m.Reason})
		case m.Kind == Better && !ruled:
			a.Verdicts = append(a.Verdicts, Ruling{Reason: Old, Better: &m.Row})
		case isFound(m.Kind) && ruled && len(a.Wanted) < len(to.Want):
			a.Wanted = append(a.Wanted, found)
		case isFound(m.Kind) && ruled && len(a.Asked) < len(to.Ask):
			a.Asked = append(a.Asked, found)
		case !ruled || len(a.Wanted) < len(to.Want) || len(a.Asked) < len(to.Ask):
			return a, malformed("a message of kind %d before all has been answered", m.Kind)
		case m.Kind == Reconcile && to.Reconcile != nil && a.Reconcile == nil:
			a.Reconcile = m.Bytes
		case m.Kind == Record && !listed && len(a.Listed) < MaxList:
			a.Listed = append(a.Listed, m.Row)
		case m.Kind == Listed && !listed:
			listed, a.Count, a.Behind = true, m.Count, string(m.Bytes)
		case m.Kind == End && (to.Reconcile == nil || a.Reconcile != nil) && listed:
			return a, nil
		default:
			return a, malformed("a message of kind %d answers nothing", m.Kind)
		}
	}
}

func isFound(k Kind) bool { return k == Record || k == None || k == Later }

package record

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/models/shape"
)

// SchemaProtocol is the libp2p protocol in which a [Node] tells other peers of its models. See
// docs/format.md, "Schemas between peers".
const SchemaProtocol protocol.ID = "/netabase/schema/1.0.0"

const (
	// schemaTimeout is how long an exchange may take.
	schemaTimeout = 10 * time.Second
	// schemaStreams is how many questions are answered at once. Further ones are refused.
	schemaStreams = 8
	// maxSchemaList is how long a list of schemas may be.
	maxSchemaList = 1 << 20
	// maxQuestion is the longest question: a hash, and the names of a definition and a tree.
	maxQuestion = hashSize + 64 + 1 + 64
	hashSize    = 32
)

// PeerSchema is a tree that another peer exchanges records of.
type PeerSchema struct {
	// Tree is the tree's full name.
	Tree string
	// Hash is that of the shape of the peer's model. [Node.FetchSchema] takes both.
	Hash [32]byte
	// Known says that this peer exchanges records of the tree too.
	Known bool
	// Relation says how the peer's schema relates to this peer's, if the tree is known: it may be
	// newer, for one. Indexes do not count. Records go both ways if the fields that both know have
	// the same types.
	Relation shape.Relation
}

// listed is a member of the list of schemas.
type listed struct {
	Tree string `json:"tree"`
	Hash string `json:"hash"`
}

// schemaFile is the schema of a tree as other peers get it.
type schemaFile struct {
	hash [hashSize]byte
	file []byte
}

// schemas answers other peers that ask for the schemas of this one.
type schemas struct {
	list  []byte
	files map[string]schemaFile
	// turns bounds how many are answered at once.
	turns chan struct{}
}

func newSchemas(trees map[string]*modelTree) (*schemas, error) {
	s := &schemas{files: make(map[string]schemaFile, len(trees)), turns: make(chan struct{}, schemaStreams)}
	list := make([]listed, 0, len(trees))
	for name, tree := range trees {
		var file bytes.Buffer
		if err := tree.schema.Write(&file); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", name, err)
		}
		hash := tree.schema.Shape.Hash()
		s.files[name] = schemaFile{hash, file.Bytes()}
		list = append(list, listed{name, hex.EncodeToString(hash[:])})
	}
	slices.SortFunc(list, func(a, b listed) int { return cmp.Compare(a.Tree, b.Tree) })
	var err error
	s.list, err = json.Marshal(list)
	return s, err
}

// leaveHost ends answering.
func (r *Records) leaveHost() {
	r.joining.Lock()
	defer r.joining.Unlock()
	if r.node != nil {
		r.node.dht.Host().RemoveStreamHandler(SchemaProtocol)
		r.node.dht.Host().RemoveStreamHandler(SyncProtocol)
	}
}

// answer answers the question of another peer.
func (s *schemas) answer(stream network.Stream) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	default:
		_ = stream.Reset() // the other peer learns it by the reset
		return
	}
	if err := s.serve(stream); err != nil {
		_ = stream.Reset()
		return
	}
	_ = stream.Close() // everything has been written
}

func (s *schemas) serve(stream network.Stream) error {
	if err := stream.SetDeadline(time.Now().Add(schemaTimeout)); err != nil {
		return err
	}
	question, err := io.ReadAll(io.LimitReader(stream, maxQuestion+1))
	switch {
	case err != nil:
		return err
	case len(question) == 0:
		_, err = stream.Write(s.list)
		return err
	case len(question) < hashSize || len(question) > maxQuestion:
		return errors.New("no question")
	}
	if asked := s.files[string(question[hashSize:])]; asked.hash == [hashSize]byte(question) {
		_, err = stream.Write(asked.file)
	}
	return err
}

// Schemas asks another peer which trees it exchanges records of, and says how their schemas relate
// to this peer's. It fetches the schemas of those trees that this peer knows with another shape. The
// two have to be connected, or the host has to know an address of p. The result is in the order of
// the names. An answer that is malformed gives an error that matches models.ErrInvalid. A peer that
// does not speak [SchemaProtocol] gives libp2p's error.
func (n *Node) Schemas(ctx context.Context, p peer.ID) ([]PeerSchema, error) {
	answer, err := n.askSchema(ctx, p, nil, maxSchemaList)
	if err != nil {
		return nil, fmt.Errorf("schemas of %s: %w", p, err)
	}
	var list []listed
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, fmt.Errorf("schemas of %s: %w: %w", p, models.ErrInvalid, err)
	}
	all := make([]PeerSchema, len(list))
	for i, l := range list {
		of := &all[i]
		of.Tree = l.Tree
		if i > 0 && l.Tree <= list[i-1].Tree {
			return nil, fmt.Errorf("schemas of %s: %w: tree %s is out of order", p, models.ErrInvalid, shorten(l.Tree))
		}
		if hash, err := hex.DecodeString(l.Hash); err != nil || len(hash) != hashSize {
			return nil, fmt.Errorf("schemas of %s: %w: %q is not a hash", p, models.ErrInvalid, shorten(l.Hash))
		} else {
			of.Hash = [hashSize]byte(hash)
		}
		own := n.records.trees[l.Tree]
		if own == nil {
			continue
		}
		of.Known = true
		if of.Hash == own.schema.Shape.Hash() {
			continue
		}
		theirs, err := n.FetchSchema(ctx, p, of.Tree, of.Hash)
		if err != nil {
			return nil, err
		}
		theirs.Indexes, theirs.Topics = own.schema.Indexes, own.schema.Topics // each peer has those that it wants
		if of.Relation, err = own.schema.Compare(theirs); err != nil {
			return nil, fmt.Errorf("schemas of %s: %w", p, err)
		}
	}
	return all, nil
}

// FetchSchema fetches the schema of a tree whose shape has this hash from another peer. It returns
// models.ErrNotFound if the peer has none, and an error that matches models.ErrInvalid if the peer
// answers with anything else. The schema says nothing about who wrote it: a program has to decide
// whether it uses it.
func (n *Node) FetchSchema(ctx context.Context, p peer.ID, tree string, hash [32]byte) (s shape.Schema, err error) {
	fail := func(err error) (shape.Schema, error) {
		return shape.Schema{}, fmt.Errorf("schema of %s from %s: %w", shorten(tree), p, err)
	}
	answer, err := n.askSchema(ctx, p, append(hash[:], tree...), shape.MaxSchemaSize)
	if err != nil {
		return fail(err)
	}
	if len(answer) == 0 {
		return fail(models.ErrNotFound)
	}
	s, err = shape.ReadSchema(bytes.NewReader(answer))
	switch {
	case err != nil:
		return fail(err)
	case s.Tree != tree || s.Shape.Hash() != hash:
		return fail(fmt.Errorf("%w: the peer sent another schema", models.ErrInvalid))
	}
	return s, nil
}

// askSchema sends a question to another peer and returns its answer, which has at most limit bytes.
func (n *Node) askSchema(ctx context.Context, p peer.ID, question []byte, limit int64) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	stream, err := n.dht.Host().NewStream(ctx, p, SchemaProtocol)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer func() {
		stop()
		if err != nil {
			_ = stream.Reset() // err is what the caller has to know
			if ended := context.Cause(ctx); ended != nil {
				err = ended
			}
			return
		}
		err = stream.Close()
	}()
	if _, err := stream.Write(question); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(stream, limit+1))
	if err == nil && int64(len(answer)) > limit {
		err = fmt.Errorf("%w: the answer has more than %d bytes", models.ErrInvalid, limit)
	}
	return answer, err
}

package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/newsnet-africa/netabase-go/datastore"
	"github.com/newsnet-africa/netabase-go/models"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
	"github.com/newsnet-africa/netabase-go/record"
)

// invalid returns the error of a request that cannot be understood.
func invalid(format string, args ...any) error {
	return &api.Error{Code: api.Invalid, Message: fmt.Sprintf(format, args...)}
}

// errOffline is returned for what needs other peers, where there is no network.
var errOffline = &api.Error{Code: api.NoPeers, Message: "the node does not run: start it with p2pnode run"}

// codes are the codes of errors, the first that matches counts.
var codes = []struct {
	err  error
	code api.Code
}{
	{hub.ErrClosed, api.Stopping},
	{record.ErrNoPeers, api.NoPeers},
	{record.ErrNotTaken, api.NoPeers},
	{record.ErrOldRecord, api.Conflict},
	{record.ErrNotOwner, api.Forbidden},
	{record.ErrFull, api.TooLarge},
	{models.ErrPolicy, api.Forbidden},
	{models.ErrReadOnly, api.Forbidden},
	{models.ErrExists, api.Conflict},
	{models.ErrUnique, api.Conflict},
	{models.ErrConflict, api.Conflict},
	{models.ErrTooLarge, api.TooLarge},
	{models.ErrKeySize, api.TooLarge},
	{models.ErrUnknownTree, api.UnknownTree},
	{models.ErrNotFound, api.NotFound},
	{models.ErrCorrupt, api.Damaged},
	{models.ErrTampered, api.Damaged},
	{models.ErrVersion, api.Damaged},
	{models.ErrUpgrade, api.Damaged},
	{models.ErrInvalid, api.Invalid},
	{datastore.ErrNoKey, api.Forbidden},
}

// statuses are the statuses of HTTP that codes come with.
var statuses = map[api.Code]int{
	api.Invalid: http.StatusBadRequest, api.NoToken: http.StatusUnauthorized, api.Forbidden: http.StatusForbidden,
	api.NotFound: http.StatusNotFound, api.UnknownTree: http.StatusNotFound, api.UnknownIndex: http.StatusNotFound,
	api.UnknownTopic: http.StatusNotFound,
	api.Conflict:     http.StatusConflict, api.TooLarge: http.StatusRequestEntityTooLarge,
	api.Busy: http.StatusTooManyRequests, api.Internal: http.StatusInternalServerError,
	api.Damaged: http.StatusInternalServerError, api.Stopping: http.StatusServiceUnavailable,
	api.NoPeers: http.StatusServiceUnavailable,
}

// faultOf returns what to tell the client of an error.
func faultOf(err error) *api.Error {
	var fault *api.Error
	if errors.As(err, &fault) {
		return fault
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return &api.Error{Code: c.code, Message: err.Error()}
		}
	}
	return &api.Error{Code: api.Internal, Message: err.Error()}
}

// fail tells the client of an error: in place of the answer, or as the last line of a stream.
func (h *handler) fail(x *exchange, err error) {
	ended := x.ctx().Err() != nil
	if ended && errors.Is(err, context.Canceled) { // by the client, or by the node, which gives a cause
		err = context.Cause(x.ctx())
	}
	if errors.Is(err, errGone) || errors.Is(err, context.Canceled) && ended && !x.begun {
		return // nobody is there to be told
	}
	fault := faultOf(err)
	ends := ended || errors.Is(err, hub.ErrLagging) || errors.Is(err, models.ErrLagging)
	if fault.Code == api.Internal && !ends && h.Log != nil {
		h.Log.Error("request failed", "method", x.r.Method, "path", x.r.URL.Path, "error", err)
	}
	if !x.begun {
		x.extend() // the request may have taken longer than a client may for an answer
		writeFault(x.w, statuses[fault.Code], fault)
		return
	}
	if x.w.Header().Get("Content-Type") == typeLines {
		_ = json.NewEncoder(writer{x}).Encode(api.Failure{Error: fault})
		return
	}
	panic(http.ErrAbortHandler) // the client must not take a part of a file for the whole
}

// writeFault writes an error as the answer.
func writeFault(w http.ResponseWriter, status int, fault *api.Error) {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	_ = e.Encode(api.Failure{Error: fault}) // texts can always be encoded
	header(w, typeJSON)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

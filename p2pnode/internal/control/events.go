package control

import (
	"github.com/newsnet-africa/netabase-go/p2pnode/internal/control/hub"
)

var eventRoutes = []route{
	{method: "GET", path: "/v1/events", bare: true, stream: true, serve: (*handler).events},
}

func (h *handler) events(x *exchange) error {
	return stream(x, h.Node.Events.Subscribe(x.ctx(), hub.Buffer))
}

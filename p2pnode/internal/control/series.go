package control

import (
	"runtime"
	"strconv"
	"time"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/api"
)

func (h *handler) series(x *exchange) error {
	var since time.Time
	if text := x.query("since"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return invalid("since is %q: it is a unix time in seconds", shorten(text))
		}
		since = time.Unix(seconds, 0)
	}
	if h.Node.Series == nil {
		return x.answer(api.Series{Times: []int64{}, Lines: []api.Line{}})
	}
	return x.answer(h.Node.Series(since))
}

func versionNow(version string) api.Version {
	return api.Version{Version: version, Go: runtime.Version()}
}

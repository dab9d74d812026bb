package record

import "github.com/newsnet-africa/netabase-go/models"

// Key returns the record key of the row with the primary key: "/", the tree's
// full name, "/", and the key as text. "/blog.user/00000000000000000001", say.
func Key[M, K any](t *models.Tree[M, K], key K) string { return "/" + t.Name() + "/" + t.KeyText(key) }

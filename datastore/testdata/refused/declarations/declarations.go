// Package declarations declares trees and indexes whose types disagree.
package declarations

import (
	"example.com/refused/blog"

	"github.com/newsnet-africa/netabase-go/models"
)

var (
	_ = models.NewTree("user", models.Uint64, func(u *blog.User) string { return u.Email })               // want `func\(u \*blog\.User\) string.* does not match`
	_ = models.NewIndex(blog.Users, "email", models.Uint64, func(u *blog.User) string { return u.Email }) // want `func\(u \*blog\.User\) string.* does not match`
	_ = models.NewIndex(blog.Users, "slug", models.String, func(p *blog.Post) string { return p.Slug })   // want `func\(p \*blog\.Post\) string.* does not match`
	_ = models.NewMulti(blog.Users, "tag", models.String, func(u *blog.User) string { return u.Email })   // want `func\(u \*blog\.User\) string.* does not match`
	_ = models.NewDefinition("blog", blog.UserByEmail)                                                    // want `cannot use blog\.UserByEmail .* as models\.AnyTree value`
)

// Package blog declares the trees that the programs beside it use rightly and
// wrongly.
package blog

import "github.com/newsnet-africa/netabase-go/models"

type User struct {
	ID    uint64
	Email string
	Tags  []string
	Phone string
	Code  uint64
}

type Post struct {
	Slug   string
	Author uint64
	Day    int64
}

type AuthorDay = models.Pair[uint64, int64]

var (
	Users       = models.NewTree("user", models.Uint64, func(u *User) uint64 { return u.ID })
	UserByEmail = models.NewUnique(Users, "email", models.String, func(u *User) string { return u.Email })
	UserByTag   = models.NewMulti(Users, "tag", models.String, func(u *User) []string { return u.Tags })

	UserByPhone = models.NewBlind(Users, "phone", models.String, func(u *User) string { return u.Phone })
	UserByCode  = models.NewBlindUnique(Users, "code", models.Uint64, func(u *User) uint64 { return u.Code })

	Posts           = models.NewTree("post", models.String, func(p *Post) string { return p.Slug })
	PostByAuthor    = models.NewIndex(Posts, "author", models.Uint64, func(p *Post) uint64 { return p.Author })
	PostByAuthorDay = models.NewIndex(Posts, "author_day", models.PairOf(models.Uint64, models.Int64),
		func(p *Post) AuthorDay { return models.MakePair(p.Author, p.Day) })

	Blog = models.NewDefinition("blog", Users, Posts)
)

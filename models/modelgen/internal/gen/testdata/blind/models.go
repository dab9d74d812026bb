package blind

type Patient struct {
	ID     uint64 `netabase:"primary"`
	Name   string `netabase:"blind;blind=name_year,1"`
	Year   uint64 `netabase:"index;blind=name_year,2"`
	Number string `netabase:"blindunique,optional"`
}

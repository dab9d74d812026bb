package daemon

import "runtime/debug"

// Version returns the version of the module that the program was built from, or the revision of its
// source, or "devel".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return devel
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return devel + "-" + s.Value[:12]
		}
	}
	return devel
}

const devel = "devel"

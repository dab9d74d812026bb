package engine

import (
	"context"
	"fmt"
	"slices"
)

// Located is an Engine that keeps its database in a directory.
type Located interface {
	Engine
	// Dir returns the directory, which need not exist.
	Dir() string
}

// Whichever returns the one of the given engines that has its database in its
// directory, or the first if none has. So a program opens the database that is there,
// or creates one with the engine that it prefers:
//
//	eng := engine.Whichever(badger.Engine(dir), bolt.Engine(dir))
//
// The choice is made on Open. If several engines have their databases there, Open
// returns an OtherEngineError that names them: the program has to choose one. An
// engine that is not [Located] is chosen only if it is the first.
func Whichever(first Engine, others ...Engine) Engine {
	return whichever(append([]Engine{first}, others...))
}

type whichever []Engine

// Name tells the name of the engine that Open would open now.
func (w whichever) Name() string {
	eng, err := w.choose()
	if err != nil {
		return w[0].Name()
	}
	return eng.Name()
}

// Open implements Engine.
func (w whichever) Open(ctx context.Context) (DB, error) {
	eng, err := w.choose()
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return eng.Open(ctx)
}

func (w whichever) choose() (Engine, error) {
	var there []Engine
	var clash OtherEngineError
	for _, eng := range w {
		located, ok := eng.(Located)
		if !ok || located.Dir() == "" {
			continue
		}
		found, err := FoundIn(located.Dir())
		if err != nil {
			return nil, err
		}
		if slices.Contains(found, eng.Name()) {
			there = append(there, eng)
			clash.Dir = located.Dir()
			clash.Found = append(clash.Found, eng.Name())
		}
	}
	switch len(there) {
	case 0:
		return w[0], nil
	case 1:
		return there[0], nil
	}
	return nil, &clash
}

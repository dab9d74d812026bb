// Package control serves the control interface of a node, which package api declares.
//
//	handler := control.New(control.Options{Node: n, Token: token})
//	server := control.NewServer(ctx, handler)
//	err := server.Serve(listener)
//
// Whatever a client does costs bounded memory: see the constants in limits.go. A client that comes
// by TCP passes SameOrigin first, which refuses pages of other origins.
package control

// Package pause keeps a browser responsive while a program works on many rows. JavaScript, and with it all
// that a page does, runs only while every goroutine is idle. So what takes long calls [Point] again and
// again. Elsewhere than in a browser it does nothing.
package pause

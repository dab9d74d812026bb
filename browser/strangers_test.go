//go:build !js

package browser_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
)

// mute takes what comes by TCP and by UDP, and never answers. Its addresses are like those of a native peer.
func mute(like native) (native, error) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return native{}, err
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return native{}, err
	}
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				log.Print(err)
				return
			}
			go func() { _, _ = io.Copy(io.Discard, c) }() // until the browser has enough
		}
	}()
	go func() {
		for p := make([]byte, 2048); ; {
			if _, _, err := udp.ReadFrom(p); err != nil {
				log.Print(err)
				return
			}
		}
	}()
	port := udp.LocalAddr().(*net.UDPAddr).Port
	_, wt, _ := strings.Cut(like.WT, "/quic-v1")
	_, rtc, _ := strings.Cut(like.RTC, "/webrtc-direct")
	return native{
		ID:  like.ID,
		WS:  fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", tcp.Addr().(*net.TCPAddr).Port),
		WT:  fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1%s", port, wt),
		RTC: fmt.Sprintf("/ip4/127.0.0.1/udp/%d/webrtc-direct%s", port, rtc),
	}, nil
}

// Kinds of messages of WebSockets (RFC 6455, section 5.2).
const (
	textMessage   = 1
	binaryMessage = 2
)

// floodMessages is how many messages of 1 MiB flood sends.
const floodMessages = 64

// flood serves a WebSocket that sends more messages than a page takes, and returns its address.
func flood(kind byte) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	frame := binary.BigEndian.AppendUint64([]byte{0x80 | kind, 127}, 1<<20)
	frame = append(frame, make([]byte, 1<<20)...)
	go func() {
		err := http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				log.Print(err)
				return
			}
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
				"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
			// Chromium goes on receiving after the page has closed the socket: it has to end.
			for i := 0; i < floodMessages && err == nil; i++ {
				_, err = conn.Write(frame)
			}
		}))
		log.Print(err) // it does not end
	}()
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/ws", listener.Addr().(*net.TCPAddr).Port), nil
}

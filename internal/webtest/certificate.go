//go:build !js

package webtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// Certificate returns the certificate of servers of this process. The browsers that it starts take it for any name.
func Certificate() (tls.Certificate, error) {
	c, _, err := certificate()
	return c, err
}

// certificate returns it with the hash of its key, by which browsers know it.
func certificate() (c tls.Certificate, spki string, err error) {
	m, err := made()
	return m.certificate, m.spki, err
}

type madeCertificate struct {
	certificate tls.Certificate
	spki        string
}

var made = sync.OnceValues(func() (m madeCertificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return m, fmt.Errorf("make a certificate: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 7),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return m, fmt.Errorf("make a certificate: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return m, fmt.Errorf("make a certificate: %w", err)
	}
	hash := sha256.Sum256(public)
	m.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	m.spki = base64.StdEncoding.EncodeToString(hash[:])
	return m, nil
})

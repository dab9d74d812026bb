// Package ipfs runs the program ipfs as a user does: one process for each command, and
// daemons beside it. Its repos never speak to anybody but each other: no bootstrap
// peers, no automatic configuration, loopback addresses only, no telemetry.
package ipfs

//go:build linux || darwin

package journal

import "golang.org/x/sys/unix"

// freeDisk is how many bytes of dir's file system this process may still write.
func freeDisk(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:gosec,unconvert // types differ between systems; no disk has 2^63 bytes
}

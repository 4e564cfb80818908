package journal

import "golang.org/x/sys/unix"

// memoryDir is where files lie in memory (shm_overview(7)).
const memoryDir = "/dev/shm"

// memoryFree tells whether memoryDir is in memory and has room for so many bytes.
func memoryFree(want uint64) bool {
	var st unix.Statfs_t
	if unix.Statfs(memoryDir, &st) != nil || st.Type != unix.TMPFS_MAGIC {
		return false
	}
	return st.Bavail*uint64(st.Bsize) >= want //nolint:gosec // a block's size is positive
}

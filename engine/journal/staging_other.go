//go:build !linux

package journal

// memoryDir is nowhere: this system has no place for files in memory.
const memoryDir = ""

func memoryFree(uint64) bool { return false }

package pluginhost_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// BenchmarkHop is the way of a record of 1 KB to a plugin's process that does
// nothing with it, and back, by the size of the batch.
func BenchmarkHop(b *testing.B) {
	h, _ := newHost(b, pluginhost.Options{})
	c := open(b, h, "noop", nil)
	record := toJSON(b, deed{Do: "nothing", Text: strings.Repeat("x", 1000)})
	for _, size := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			batch := make([]wire.Record, size)
			for i := range batch {
				batch[i] = wire.Record{Index: uint32(i), Key: "k", Data: record}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Write(b.Context(), "save", batch, func(r wire.WriteResult) {
					if r.Failure != nil {
						b.Error(r.Failure)
					}
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "µs/record")
		})
	}
}

// BenchmarkDecode is the way of a webhook through a plugin's process, with one
// sender and with many.
func BenchmarkDecode(b *testing.B) {
	h, _ := newHost(b, pluginhost.Options{})
	c := open(b, h, "noop", nil)
	request := wire.Request{Method: "POST", Path: "k", Body: toJSON(b, deed{Do: "nothing", Text: strings.Repeat("x", 1000)})}
	one := func(b *testing.B) {
		if _, err := c.Decode(b.Context(), request); err != nil {
			b.Error(err)
		}
	}
	b.Run("senders=1", func(b *testing.B) {
		for b.Loop() {
			one(b)
		}
	})
	b.Run("senders=64", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b)
			}
		})
	})
}

package bolt_test
import ("testing";"fmt";"github.com/newsnet-africa/netabase-go/datastore/engine";"github.com/newsnet-africa/netabase-go/datastore/engine/bolt";"go.etcd.io/bbolt";"path/filepath")
func fill(b *testing.B, n int) engine.DB {
 db,err:=bolt.Options{Config:engine.Config{Path:b.TempDir(),NoFsync:true}}.Engine().Open(b.Context()); if err!=nil{b.Fatal(err)}
 for i:=0;i<n;i+=1000 { w,_:=db.Update(b.Context()); for j:=range 1000 { w.Put(fmt.Appendf(nil,"%08d",i+j),make([]byte,300)) }; if err:=w.Commit(b.Context(),0);err!=nil{b.Fatal(err)}}
 b.Cleanup(func(){db.Close()})
 return db
}
func BenchmarkGet(b *testing.B){ db:=fill(b,100000); r,_:=db.View(b.Context()); defer r.Discard(); k:=make([]byte,0,8); b.ReportAllocs(); b.ResetTimer(); i:=0; for b.Loop(){ k=fmt.Appendf(k[:0],"%08d",(i*7919)%100000); i++; if _,err:=r.Get(k);err!=nil{b.Fatal(err)}}}
func BenchmarkView(b *testing.B){ db:=fill(b,1000); b.ReportAllocs(); for b.Loop(){ r,_:=db.View(b.Context()); r.Discard() }}
func BenchmarkViewGet(b *testing.B){ db:=fill(b,100000); k:=[]byte("00001234"); b.ReportAllocs(); for b.Loop(){ r,_:=db.View(b.Context()); r.Get(k); r.Discard() }}
func BenchmarkScan(b *testing.B){ db:=fill(b,100000); r,_:=db.View(b.Context()); defer r.Discard(); b.ReportAllocs(); b.ResetTimer(); for b.Loop(){ c:=r.Cursor(engine.Range{}); n:=0; for c.Next(){ c.Value(); n++ }; c.Close(); if n!=100000{b.Fatal(n)}}; b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5,"ns/row")}
func BenchmarkCursor20(b *testing.B){ db:=fill(b,100000); r,_:=db.View(b.Context()); defer r.Discard(); lo:=[]byte("00005000"); b.ReportAllocs(); b.ResetTimer(); for b.Loop(){ c:=r.Cursor(engine.Range{Lower:lo}); for range 20 {c.Next(); c.Value() }; c.Close()}}
func rawdb(b *testing.B) *bbolt.DB { db,err:=bbolt.Open(filepath.Join(b.TempDir(),"x"),0600,&bbolt.Options{NoSync:true,NoGrowSync:true,NoStatistics:true,FreelistType:"hashmap",InitialMmapSize:16<<30}); if err!=nil{b.Fatal(err)}
 for i:=0;i<100000;i+=1000 { db.Update(func(tx *bbolt.Tx) error { bk,_:=tx.CreateBucketIfNotExists([]byte("netabase")); for j:=range 1000 { bk.Put(fmt.Appendf(nil,"%08d",i+j),make([]byte,300))}; return nil })}; return db}
func BenchmarkRawGet(b *testing.B){ db:=rawdb(b); tx,_:=db.Begin(false); defer tx.Rollback(); bk:=tx.Bucket([]byte("netabase")); k:=make([]byte,0,8); b.ReportAllocs(); b.ResetTimer(); i:=0; for b.Loop(){ k=fmt.Appendf(k[:0],"%08d",(i*7919)%100000); i++; if bk.Get(k)==nil{b.Fatal()}}}
func BenchmarkRawViewGet(b *testing.B){ db:=rawdb(b);k:=[]byte("00001234"); b.ReportAllocs(); b.ResetTimer(); for b.Loop(){ tx,_:=db.Begin(false); bk:=tx.Bucket([]byte("netabase"));bk.Get(k);tx.Rollback()}}
func BenchmarkRawScan(b *testing.B){ db:=rawdb(b); tx,_:=db.Begin(false); defer tx.Rollback(); bk:=tx.Bucket([]byte("netabase")); b.ReportAllocs(); b.ResetTimer(); for b.Loop(){ c:=bk.Cursor(); n:=0; for k,_:=c.First();k!=nil;k,_=c.Next(){n++}}; b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e5,"ns/row")}

// SPDX-License-Identifier: MIT

// Go's own channels, of which uvchan's have their taste. Unlike uvchan there are no event loops: where one is asked for, a goroutine that
// blocks takes its place, and the scheduler switches between goroutines without the kernel. A channel has a lock, which is taken for each
// value on both sides; a thread that finds no goroutine to run spins over the others' queues before it sleeps. pin is taken and not used.
// There are no unbounded channels.
package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// ---- Arguments ----------------------------------------------------------------------------------------------------------------------

type arguments map[string]string

func unsupported(what string) {
	fmt.Fprintln(os.Stderr, "not supported:", what)
	os.Exit(2)
}

func parse(words []string) arguments {
	a := arguments{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			unsupported(word)
		}
		a[name] = value
	}
	return a
}

// only ends the program where an argument is none of these, and not of those that every workload has.
func (a arguments) only(names ...string) {
	known := " ms pin " + strings.Join(names, " ") + " "
	for name, value := range a {
		if !strings.Contains(known, " "+name+" ") {
			unsupported(name + "=" + value)
		}
	}
}

// word is one of these words: the first one where the argument is not given.
func (a arguments) word(name string, words ...string) string {
	value, given := a[name]
	if !given {
		return words[0]
	}
	for _, word := range words {
		if word == value {
			return word
		}
	}
	unsupported(name + "=" + value)
	return ""
}

func (a arguments) number(name string, otherwise, least, most int) int {
	value, given := a[name]
	if !given {
		return otherwise
	}
	number, err := strconv.Atoi(value)
	if err != nil || number < least || number > most {
		unsupported(name + "=" + value)
	}
	return number
}

// ---- A run --------------------------------------------------------------------------------------------------------------------------

var epoch = time.Now()

func now() uint64 {
	return uint64(time.Since(epoch))
}

// cpu is the processor time of the whole process.
func cpu() uint64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return uint64(usage.Utime.Nano() + usage.Stime.Nano())
}

// A tally is what one goroutine sent or received.
type tally struct {
	values, sum uint64
}

func (t *tally) add(value uint64) {
	t.values++
	t.sum += value
}

func (t *tally) merge(other tally) {
	t.values += other.values
	t.sum += other.sum
}

// check ends the program where a value was lost, doubled or torn.
func check(sent, received tally) {
	if sent != received {
		fmt.Fprintln(os.Stderr, "sent (values, sum):", sent, "received:", received)
		os.Exit(1)
	}
}

// A run has its goroutines wait for its start, and raises the flag when the time is over.
type run struct {
	ms                 time.Duration
	begin              chan struct{}
	ready              sync.WaitGroup
	over               atomic.Bool
	senders, receivers sync.WaitGroup
	lock               sync.Mutex
	sent, received     tally
}

func newRun(a arguments) *run {
	a.number("pin", 0, 0, 1)
	return &run{ms: time.Duration(a.number("ms", 200, 0, 3600000)), begin: make(chan struct{})}
}

// spawn starts a goroutine, one of the senders or one of the receivers; the work begins when all are there.
func (r *run) spawn(group *sync.WaitGroup, work func() (sent, received tally)) {
	r.ready.Add(1)
	group.Add(1)
	go func() {
		r.ready.Done()
		<-r.begin
		sent, received := work()
		r.lock.Lock()
		r.sent.merge(sent)
		r.received.merge(received)
		r.lock.Unlock()
		group.Done()
	}()
}

// report lets the goroutines run for the time, calls end when all senders are done, and prints the figures once all was received.
func (r *run) report(end func()) {
	r.ready.Wait()
	start, startCPU := now(), cpu()
	close(r.begin)
	time.Sleep(r.ms * time.Millisecond)
	r.over.Store(true)
	r.senders.Wait()
	end()
	r.receivers.Wait()
	wall, used := now()-start, cpu()-startCPU
	check(r.sent, r.received)
	fmt.Printf("values=%d ns=%d cpu=%d ", r.received.values, wall, used)
}

// ---- The workloads --------------------------------------------------------------------------------------------------------------------

type value interface {
	[1]uint64 | [8]uint64 | [128]uint64
}

func receiveAll[T value](c <-chan T) (received tally) {
	for v := range c {
		received.add(v[0])
	}
	return received
}

// stream moves values one by one.
func stream[T value](a arguments) {
	a.only("from", "to", "senders", "receivers", "capacity", "size", "batch")
	a.word("from", "thread", "loop")
	a.word("to", "loop", "thread")
	a.number("batch", 1, 1, 1)
	c := make(chan T, a.number("capacity", 1024, 0, 1<<20))
	r := newRun(a)
	for i := a.number("senders", 1, 1, 1000); i > 0; i-- {
		r.spawn(&r.senders, func() (sent, received tally) {
			var v T
			for !r.over.Load() {
				v[0] = sent.values
				c <- v
				sent.add(v[0])
			}
			return sent, received
		})
	}
	for i := a.number("receivers", 1, 1, 1000); i > 0; i-- {
		r.spawn(&r.receivers, func() (sent, received tally) { return sent, receiveAll(c) })
	}
	r.report(func() { close(c) })
}

func pingPong(a arguments) {
	a.only("capacity")
	capacity := a.number("capacity", 1, 0, 1<<20)
	ping, pong := make(chan uint64, capacity), make(chan uint64, capacity)
	r := newRun(a)
	r.spawn(&r.senders, func() (sent, received tally) {
		for !r.over.Load() {
			v := sent.values
			ping <- v
			sent.add(v)
			received.add(<-pong)
		}
		return sent, received
	})
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	r.report(func() { close(ping) })
}

func printLatencies(ns []int) {
	n := len(ns)
	if n == 0 {
		return
	}
	sort.Ints(ns)
	fmt.Printf("p50=%d p90=%d p99=%d p999=%d ", ns[n/2], ns[n-1-n/10], ns[n-1-n/100], ns[n-1-n/1000])
}

// paced has its sender on a thread of its own, which looks at the clock between values: its processor does not go to sleep.
func paced(a arguments) {
	a.only("period")
	period := uint64(a.number("period", 10000, 1, 1000000000))
	c := make(chan uint64, 1024)
	r := newRun(a)
	var latencies []int
	r.spawn(&r.senders, func() (sent, received tally) {
		runtime.LockOSThread()
		for due := now() + period; !r.over.Load(); {
			if t := now(); t >= due {
				c <- t
				sent.add(t)
				due += period
			}
		}
		return sent, received
	})
	r.spawn(&r.receivers, func() (sent, received tally) {
		for t := range c {
			latencies = append(latencies, int(now()-t))
			received.add(t)
		}
		return sent, received
	})
	r.report(func() { close(c) })
	printLatencies(latencies)
}

func sendRun(c chan<- uint64, length int, sent *tally) {
	for i := 0; i < length; i++ {
		v := sent.values
		c <- v
		sent.add(v)
	}
}

// receiveRun says whether a run of values came before the channel was closed.
func receiveRun(c <-chan uint64, length int, received *tally) bool {
	for i := 0; i < length; i++ {
		v, ok := <-c
		if !ok {
			return false
		}
		received.add(v)
	}
	return true
}

// sameLoop has two goroutines on one thread, each of which answers a run of values with as many. There are two channels, one each way:
// a goroutine that receives what it sent itself would never wait.
func sameLoop(a arguments) {
	a.only("run")
	length := a.number("run", 1, 1, 64)
	to, back := make(chan uint64, 64), make(chan uint64, 64)
	runtime.GOMAXPROCS(1)
	r := newRun(a)
	r.spawn(&r.senders, func() (sent, received tally) {
		for !r.over.Load() {
			sendRun(to, length, &sent)
			receiveRun(back, length, &received)
		}
		return sent, received
	})
	r.spawn(&r.receivers, func() (sent, received tally) {
		for receiveRun(to, length, &received) {
			sendRun(back, length, &sent)
		}
		return sent, received
	})
	r.report(func() { close(to) })
}

func makeChannels(n, capacity int) []chan uint64 {
	channels := make([]chan uint64, n)
	for i := range channels {
		channels[i] = make(chan uint64, capacity)
	}
	return channels
}

func closeAll(channels []chan uint64) {
	for _, c := range channels {
		close(c)
	}
}

// random is xorshift64*, by George Marsaglia and Sebastiano Vigna.
func random(state *uint64) uint64 {
	*state ^= *state >> 12
	*state ^= *state << 25
	*state ^= *state >> 27
	return *state * 0x2545F4914F6CDD1D
}

const seed = 0x9E3779B97F4A7C15

func many(a arguments) {
	a.only("channels", "capacity")
	channels := makeChannels(a.number("channels", 1, 1, 1000000), a.number("capacity", 16, 0, 1<<20))
	r := newRun(a)
	r.spawn(&r.senders, func() (sent, received tally) {
		for state := uint64(seed); !r.over.Load(); {
			v := random(&state)
			channels[v%uint64(len(channels))] <- v
			sent.add(v)
		}
		return sent, received
	})
	for _, c := range channels {
		c := c
		r.spawn(&r.receivers, func() (sent, received tally) {
			for v := range c {
				received.add(v)
			}
			return sent, received
		})
	}
	r.report(func() { closeAll(channels) })
}

// ---- Select ---------------------------------------------------------------------------------------------------------------------------

// A receive waits for the first of several channels: which one, and what it had.
type receive func() (i int, v uint64, ok bool)

func selectOf2(c [2]chan uint64) receive {
	return func() (i int, v uint64, ok bool) {
		select {
		case v, ok = <-c[0]:
			return 0, v, ok
		case v, ok = <-c[1]:
			return 1, v, ok
		}
	}
}

func selectOf8(c [8]chan uint64) receive {
	return func() (i int, v uint64, ok bool) {
		select {
		case v, ok = <-c[0]:
			return 0, v, ok
		case v, ok = <-c[1]:
			return 1, v, ok
		case v, ok = <-c[2]:
			return 2, v, ok
		case v, ok = <-c[3]:
			return 3, v, ok
		case v, ok = <-c[4]:
			return 4, v, ok
		case v, ok = <-c[5]:
			return 5, v, ok
		case v, ok = <-c[6]:
			return 6, v, ok
		case v, ok = <-c[7]:
			return 7, v, ok
		}
	}
}

// selectOf any number is by reflection, which makes its cases anew for each select.
func selectOf(channels []chan uint64) receive {
	cases := make([]reflect.SelectCase, len(channels))
	for i, c := range channels {
		cases[i] = reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}
	}
	return func() (int, uint64, bool) {
		i, v, ok := reflect.Select(cases)
		return i, v.Uint(), ok
	}
}

// selectAny uses the statement for 2 and 8 channels, which is written out for each, and reflection for other numbers.
func selectAny(a arguments) {
	a.only("channels", "mode")
	channels := makeChannels(a.number("channels", 8, 1, 1024), 16)
	var first receive
	switch len(channels) {
	case 2:
		first = selectOf2(*(*[2]chan uint64)(channels))
	case 8:
		first = selectOf8(*(*[8]chan uint64)(channels))
	default:
		first = selectOf(channels)
	}
	if a.word("mode", "ready", "waking") == "ready" {
		selectReady(newRun(a), channels, first)
	} else {
		selectWaking(newRun(a), channels, first)
	}
}

// selectReady sends each value that it receives back into the channel that it came from.
func selectReady(r *run, channels []chan uint64, first receive) {
	var filled, kept tally
	for v := uint64(0); v < 8; v++ {
		for _, c := range channels {
			c <- v
			filled.add(v)
		}
	}
	r.spawn(&r.senders, func() (sent, received tally) {
		for !r.over.Load() {
			i, v, _ := first()
			received.add(v)
			channels[i] <- v
			sent.add(v)
		}
		return sent, received
	})
	r.report(func() {})
	closeAll(channels)
	for _, c := range channels {
		for v := range c {
			kept.add(v)
		}
	}
	check(filled, kept)
}

func selectWaking(r *run, channels []chan uint64, first receive) {
	answers := make(chan uint64, 1)
	r.spawn(&r.senders, func() (sent, received tally) {
		for state := uint64(seed); !r.over.Load(); {
			v := random(&state)
			channels[v%uint64(len(channels))] <- v
			sent.add(v)
			received.add(<-answers)
		}
		return sent, received
	})
	go func() {
		for _, v, ok := first(); ok; _, v, ok = first() {
			answers <- v
		}
	}()
	r.report(func() { close(channels[0]) })
}

// ---- Memory ---------------------------------------------------------------------------------------------------------------------------

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found is swept
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func memory(a arguments) {
	const n = 1000
	a.only("kind")
	if a.word("kind", "idle", "empty", "million") != "idle" {
		unsupported("an unbounded channel")
	}
	channels := make([]chan uint64, n)
	var sent, received tally
	start, startCPU, before := now(), cpu(), heap()
	for i := range channels {
		channels[i] = make(chan uint64, 16)
		channels[i] <- uint64(i)
		sent.add(uint64(i))
		received.add(<-channels[i])
	}
	bytes := (heap() - before) / n
	runtime.KeepAlive(channels)
	check(sent, received)
	fmt.Printf("values=%d ns=%d cpu=%d bytes=%d ", received.values, now()-start, cpu()-startCPU, bytes)
}

// ---- Pool -----------------------------------------------------------------------------------------------------------------------------

// workOff returns what the goroutines of a pool do. A work that sleeps does so in the kernel, as one that waits for a file: its thread waits
// with it. One that burns takes so much processor time of its thread.
func workOff(a arguments) (func(), bool) {
	ns := int64(a.number("us", 100, 0, 1000000)) * 1000
	switch a.word("work", "empty", "burn", "sleep") {
	case "burn":
		return func() {
			for end := threadCPU() + ns; threadCPU() < end; {
			}
		}, true
	case "sleep":
		return func() {
			t := syscall.NsecToTimespec(ns)
			syscall.Nanosleep(&t, nil)
		}, true
	}
	return func() {}, false
}

func threadCPU() int64 {
	const clockThreadCPUTimeID = 3
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPUTimeID, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

type job struct {
	submitted, begun uint64
}

// tick calls each period on a thread of its own until the run is over, and catches up where it is late.
func (r *run) tick(period uint64, call func()) {
	runtime.LockOSThread()
	for due := now(); !r.over.Load(); due += period {
		if t := now(); t < due {
			wait := syscall.NsecToTimespec(int64(due - t))
			syscall.Nanosleep(&wait, nil)
		}
		call()
	}
}

// pool has goroutines that range over a channel of jobs, and one goroutine that gets the answers over another, in the place of a loop.
func pool(a arguments) {
	a.only("threads", "flight", "loops", "work", "us", "period")
	a.number("loops", 1, 1, 1)
	flight := a.number("flight", 64, 1, 1<<20)
	period := uint64(a.number("period", 0, 0, 1000000000))
	work, takesTime := workOff(a)
	notesTurns, notesWaits := flight == 1, flight > 1 && takesTime
	jobs, answers := make(chan *job, flight), make(chan *job, flight)
	ticks := make(chan struct{}, 1)
	var latencies []int
	r := newRun(a)
	for i := a.number("threads", 4, 1, 1000); i > 0; i-- {
		go func() {
			for j := range jobs {
				if notesWaits {
					j.begun = now()
				}
				work()
				answers <- j
			}
		}()
	}
	r.spawn(&r.receivers, func() (sent, received tally) {
		submit := func(j *job) {
			if notesTurns || notesWaits {
				j.submitted = now()
			}
			sent.add(0)
			jobs <- j
		}
		get := func(j *job) {
			received.add(0)
			if notesTurns {
				latencies = append(latencies, int(now()-j.submitted))
			} else if notesWaits {
				latencies = append(latencies, int(j.begun-j.submitted))
			}
		}
		if period > 0 {
			one := &job{}
			for range ticks {
				submit(one)
				get(<-answers)
			}
			return sent, received
		}
		for _, j := range make([]job, flight) {
			j := j
			submit(&j)
		}
		for received.values < sent.values {
			j := <-answers
			get(j)
			if !r.over.Load() {
				submit(j)
			}
		}
		return sent, received
	})
	if period > 0 {
		go func() {
			r.tick(period, func() {
				select {
				case ticks <- struct{}{}:
				default: // one that comes too early is left out
				}
			})
			close(ticks)
		}()
	}
	r.report(func() {})
	close(jobs)
	printLatencies(latencies)
}

func poolMemory(a arguments) {
	const waiting = 100000
	a.only()
	held := make(chan struct{})
	works := make([]job, waiting+1)
	jobs := make(chan *job, 1)
	go func() {
		<-held
		for range jobs {
		}
	}()
	jobs <- &works[0]
	before := heap()
	jobs = make(chan *job, waiting)
	for i := 0; i < waiting; i++ {
		jobs <- &works[i+1]
	}
	bytes := (heap() - before) / waiting
	runtime.KeepAlive(works)
	runtime.KeepAlive(jobs)
	close(held)
	fmt.Printf("bytes=%d ", bytes)
}

func main() {
	if len(os.Args) < 2 {
		unsupported("no workload")
	}
	a := parse(os.Args[2:])
	switch os.Args[1] {
	case "stream":
		switch size := a.number("size", 8, 8, 1024); size {
		case 8:
			stream[[1]uint64](a)
		case 64:
			stream[[8]uint64](a)
		case 1024:
			stream[[128]uint64](a)
		default:
			unsupported("size=" + strconv.Itoa(size))
		}
	case "pingpong":
		pingPong(a)
	case "paced":
		paced(a)
	case "same-loop":
		sameLoop(a)
	case "many":
		many(a)
	case "select":
		selectAny(a)
	case "memory":
		memory(a)
	case "pool":
		pool(a)
	case "pool-memory":
		poolMemory(a)
	default:
		unsupported(os.Args[1])
	}
	fmt.Println()
}

package view

import (
	"fmt"
	"os"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/newsnet-africa/netabase-go/p2pnode/internal/demo"
)

// LiveView is a view on a terminal that is drawn again as events come.
type LiveView struct {
	program *tea.Program
	ended   chan error
}

// Live uses the terminal out until Close or Kill. It calls interrupt when the user presses
// Ctrl-C, because the terminal then sends no signal.
func Live(out *os.File, interrupt func()) *LiveView {
	v := &LiveView{
		program: tea.NewProgram(newLiveModel(interrupt), tea.WithOutput(out), tea.WithoutSignalHandler()),
		ended:   make(chan error, 1),
	}
	go func() {
		_, err := v.program.Run()
		v.ended <- err
	}()
	return v
}

// Show shows an event.
func (v *LiveView) Show(e demo.Event) error {
	v.program.Send(e)
	return nil
}

// Close draws a last time and resets the terminal.
func (v *LiveView) Close() error {
	v.program.Quit()
	return v.wait()
}

// Kill resets the terminal at once.
func (v *LiveView) Kill() {
	v.program.Kill()
	_ = v.wait() // the error says that it was killed
}

// wait waits for the program to end, however often it is called.
func (v *LiveView) wait() error {
	err := <-v.ended
	v.ended <- err
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	return nil
}

// failuresShown is how many failures are shown one by one.
const failuresShown = 10

// liveModel is the content of the terminal.
type liveModel struct {
	interrupt   func()
	interrupted bool
	width       int
	height      int
	began       time.Time
	spinner     spinner.Model
	setup       demo.Setup
	summary     *demo.Summary
	stages      map[demo.Stage]*stageState
	peers       []peerState
	failures    int
}

// stageState is how far a stage is.
type stageState struct {
	began, ended time.Time
	done, total  int
	text         string
	failed       bool
}

// peerState is the state of a peer.
type peerState struct {
	held int
	mark mark
}

// mark is the sign beside a peer.
type mark int

const (
	running  mark = iota
	stopped       // not back yet
	back          // with all of its records
	deprived      // back without some of its records
	newcomer
)

func newLiveModel(interrupt func()) *liveModel {
	return &liveModel{
		interrupt: interrupt,
		width:     80, height: 24, // until the terminal reports its size
		began:   time.Now(),
		spinner: spinner.New(spinner.WithSpinner(spinner.MiniDot), spinner.WithStyle(accent)),
		stages:  map[demo.Stage]*stageState{},
	}
}

// Init starts the clock.
func (m *liveModel) Init() tea.Cmd { return m.spinner.Tick }

// Update handles a message.
func (m *liveModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+c" {
			m.interrupted = true
			// It may end the program, which waits for this to return.
			go m.interrupt()
		}
	case spinner.TickMsg:
		var next tea.Cmd
		m.spinner, next = m.spinner.Update(msg)
		return m, next
	case demo.Event:
		return m, m.take(msg)
	}
	return m, nil
}

// take handles an event. The command it returns prints the lines that stay above the picture.
func (m *liveModel) take(e demo.Event) tea.Cmd {
	switch e := e.(type) {
	case demo.Setup:
		m.setup = e
	case demo.Progress:
		s := m.stage(e.Stage)
		s.done, s.total = e.Done, e.Total
		for i, n := range e.Held {
			m.peer(i + 1).held = n
		}
	case demo.Started:
		m.peer(len(e.IDs))
	case demo.Spreading:
		for i, n := range e.Held {
			m.peer(i + 1).held = n
		}
	case demo.Stopped:
		for _, number := range e.Peers {
			m.peer(number).mark = stopped
		}
	case demo.Restarted:
		p := m.peer(e.Peer)
		p.held, p.mark = e.Held, back
		if e.Intact < e.Held {
			p.mark = deprived
		}
		return nil // an event ends the stage
	case demo.Joined:
		for i, n := range e.Held {
			m.peer(i + 1).held = n
		}
		m.peer(e.Peer).mark = newcomer
	case demo.Serving, demo.Open:
		return tea.Println(e.String())
	case demo.Refused:
		return tea.Println(warning.Render(e.String()))
	case demo.Answer:
		return tea.Println(faint.Render(ansi.Truncate(e.String(), m.width, "…")))
	case demo.Failure:
		m.stage(e.Stage).failed = true
		if m.failures++; m.failures > failuresShown {
			return nil
		}
		return tea.Println(bad.Render(e.String()))
	case demo.Summary:
		m.summary = &e
	}
	if stage := e.In(); stage != "" {
		m.tell(stage, e)
	}
	return nil
}

// tell puts the text of e beside its stage. After Progress the stage goes on. Any other event
// ends the stage, unless another event of the stage follows.
func (m *liveModel) tell(stage demo.Stage, e demo.Event) {
	s := m.stage(stage)
	if _, ok := e.(demo.Progress); ok {
		s.ended = time.Time{}
		return
	}
	s.text, s.ended = e.String(), time.Now()
}

// stage returns the state of a stage. An unknown stage begins now.
func (m *liveModel) stage(stage demo.Stage) *stageState {
	if m.stages[stage] == nil {
		m.stages[stage] = &stageState{began: time.Now()}
	}
	return m.stages[stage]
}

// peer returns the state of a peer by its number.
func (m *liveModel) peer(number int) *peerState {
	for len(m.peers) < number {
		m.peers = append(m.peers, peerState{})
	}
	return &m.peers[number-1]
}

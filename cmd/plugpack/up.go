package main

import (
	"context"
	"fmt"
	"os"

	"github.com/plugpack/plugpack/libs/service"
)

type upCommand struct{}

// Run starts everything and serves until ctx ends.
func (upCommand) Run(ctx context.Context) error {
	cfg, err := loadConfig()
	if err != nil {
		return err
	}
	// A port that is taken is said before anything is started.
	listener, err := service.ListenLocal(cfg.Port)
	if err != nil {
		return err
	}
	defer listener.Close()
	p := service.New("", os.Stderr)
	p.SetLevel(cfg.LogLevel)
	s, err := startStack(ctx, cfg, p.Log, p.Metrics, func(what string) { fmt.Println("PlugPack:", what) })
	if err != nil {
		return err
	}
	defer s.Close()
	// The port is this machine's own, unless a proxy lets others in.
	if len(cfg.Gateway.TrustedProxies) == 0 {
		p.ExposeMetrics()
	}
	p.Ready("nats", s.bus.Ping)
	fmt.Printf("PlugPack %s is on http://%s (API page: /api/docs; data in %s; Ctrl-C stops it)\n",
		service.BuildVersion(), listener.Addr(), cfg.Data)
	err = p.ServeListener(ctx, listener, s.handler, s.loops...)
	fmt.Println("PlugPack: stopped")
	return err
}

package main

func plotAll(dir string, results []result) error { return nil }

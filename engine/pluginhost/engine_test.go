package pluginhost_test

func testEngine() {}
